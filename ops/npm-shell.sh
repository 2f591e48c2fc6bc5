#!/bin/sh
# The shell in which npm runs every script, and npx every command: see .npmrc. It puts the Node.js of the lockfile first
# on the path. npm 10 removes node_modules/.bin/node again, together with the packages for the other platforms:
# https://github.com/npm/cli/blob/v10.9.9/workspaces/arborist/lib/arborist/reify.js (addNodeToTrashList).
for folder in "$PWD"/node_modules/node-*-*64/bin; do :; done
if ! "$folder/node" -e 0 2>/dev/null; then
  echo "Cannot start the Node.js of the lockfile on $(uname -s) $(uname -m)." \
    "Use macOS, or Linux with glibc (on Windows: WSL), on x64 or arm64, and type: npm ci" >&2
  exit 1
fi
PATH="$folder:$PATH" exec /bin/sh "$@"
