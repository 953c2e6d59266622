#!/usr/bin/env bash
# Make the README's picture: the report on the example photos, as Chromium shows it.
set -euo pipefail
cd "$(dirname "$0")/../.."
out=$(mktemp -d)
faceagent report examples --out "$out" >/dev/null
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome)
"$browser" --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking \
  --disable-component-update --disable-sync --hide-scrollbars --user-data-dir="$out/profile" \
  --window-size=1200,960 --screenshot=docs/images/report.png "file://$out/report.html" 2>/dev/null
