import time
from datetime import datetime

from flask import Flask

app = Flask(__name__)


@app.route("/")
def index():
    return f"Welcome user! current time in v3 is {datetime.now()}"


@app.route("/health")
def health():
    return "OK"


if __name__ == "__main__":
    time.sleep(60)  # a long start-up, as in an application that loads a lot of data
    app.run(host="0.0.0.0", port=5000)
