from celery import Celery

app = Celery("tasks", broker="filesystem://")
app.conf.broker_transport_options = {
    "data_folder_in": "broker/in",
    "data_folder_out": "broker/in",
    "processed_folder": "broker/processed",
    "control_folder": "broker",
}
app.conf.beat_schedule = {"adds": {"task": "tasks.add", "schedule": 2.0, "args": (1, 1)}}


@app.task
def add(x: int, y: int) -> int:
    print("sum", x + y)
    return x + y
