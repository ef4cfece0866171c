// Replaces the table after each change. The server has escaped all text in it.
"use strict";
const board = document.getElementById("board");
const notice = document.getElementById("notice");
const changes = new EventSource("changes"); // connects again when the connection is lost

function say(text) {
  if (notice.textContent !== text) notice.textContent = text;
}

changes.onmessage = (event) => {
  const shown = JSON.parse(event.data);
  say(shown.notice);
  if (board.dataset.shown === shown.html) return;
  const old = board.querySelector(".scroll");
  const place = old ? [old.scrollLeft, document.activeElement === old] : [0, false];
  board.dataset.shown = board.innerHTML = shown.html;
  const scroll = board.querySelector(".scroll");
  if (!scroll) return;
  scroll.scrollLeft = place[0];
  if (place[1]) scroll.focus();
};
changes.onerror = () => say("The board's program does not answer, so this table is old. Is `make board` still running?");
