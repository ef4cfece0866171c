from datetime import datetime

from flask import Flask

app = Flask(__name__)


@app.route("/")
def index():
    return f"Welcome user! current time is {datetime.now()}"


if __name__ == "__main__":
    app.run(host="0.0.0.0", port=5000)
