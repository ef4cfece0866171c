import os
import threading
import time
from datetime import datetime

from flask import Flask

app = Flask(__name__)


@app.route("/")
def index():
    return f"Welcome user! current time is {datetime.now()}"


@app.route("/health")
def health():
    return "OK"


def crash():
    time.sleep(60)
    os._exit(1)


if __name__ == "__main__":
    time.sleep(60)  # a long start-up, as in version 3
    threading.Thread(target=crash, daemon=True).start()
    app.run(host="0.0.0.0", port=5000)
