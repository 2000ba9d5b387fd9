from flask import Flask

from tasks import add

app = Flask(__name__)


@app.get("/add/<int:x>/<int:y>")
def queue(x: int, y: int) -> str:
    add.delay(x, y)
    return "queued"
