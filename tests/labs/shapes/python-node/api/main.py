from fastapi import FastAPI

app = FastAPI()


@app.get("/items/{item}")
def read(item: int) -> dict[str, int]:
    print("read", item)
    return {"id": item}
