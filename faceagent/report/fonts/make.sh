#!/usr/bin/env bash
# Make the fonts of the PDF: Noto Sans (OFL 1.1), the scripts below, without hinting, which print and PDF do not use.
#   pip install fonttools==4.68.0 fontpkg-noto-sans==2.15 && faceagent/report/fonts/make.sh
set -euo pipefail
cd "$(dirname "$0")"
source=$(python -c "import fontpkg_noto_sans as found, pathlib; print(pathlib.Path(found.__file__).parent)")
# Latin, Greek and Cyrillic with their extensions, combining marks, punctuation, currencies, arrows, mathematics.
characters=U+20-7E,U+A0-24F,U+2B0-52F,U+1E00-1FFF,U+2000-209F,U+20A0-20C0,U+2100-214F,U+2190-2193,U+2200-22FF,U+25CC,U+FB01,U+FB02,U+FFFD
for style in Regular=400 SemiBold=600; do
  name=NotoSans-${style%=*}.ttf
  fonttools varLib.instancer --quiet --update-name-table --no-recalc-timestamp \
    -o "$name" "$source/files/NotoSans[wdth,wght].ttf" "wght=${style#*=}" wdth=100
  fonttools subset "$name" --unicodes="$characters" --no-hinting --no-recalc-timestamp \
    --layout-features=kern,mark,mkmk,ccmp,locl,liga,tnum --name-IDs='*' --output-file="$name"
done
cp "$source/LICENSE" OFL.txt
