# Sets $python to the first Python that is new enough, or ends with a message. PYTHON=… chooses one.
for python in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11 python3.10 python}; do
    if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
        return
    fi
done
echo "This needs Python 3.10 or newer, and found none (looked for: ${PYTHON:-python3, python3.10 to python3.14})." >&2
echo "Install one, or name it: PYTHON=/path/to/python $0" >&2
exit 1
