EXTRA_DIST += states/README.md
