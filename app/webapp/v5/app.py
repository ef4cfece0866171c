import threading
import time
from datetime import datetime

from flask import Flask

app = Flask(__name__)
stuck = threading.Event()


@app.before_request
def hang_when_stuck():
    if stuck.is_set():
        threading.Event().wait()  # the process keeps running, but answers no requests


@app.route("/")
def index():
    return f"Welcome user! current time is {datetime.now()}"


@app.route("/health")
def health():
    return "OK"


def get_stuck():
    time.sleep(30)
    stuck.set()


if __name__ == "__main__":
    threading.Thread(target=get_stuck, daemon=True).start()
    app.run(host="0.0.0.0", port=5000)
