# Ends with one line that says what to do, where the Node.js of the npm scripts cannot run this project.
# It is the one that `npm ci` installs; npm leaves it out on other platforms, and on musl it does not start.
# TypeScript runs without a flag since 22.18: https://nodejs.org/en/learn/typescript/run-natively
node -e 'const [major, minor] = process.versions.node.split(".").map(Number);
process.exit(major > 22 || (major === 22 && minor >= 18) ? 0 : 1)' 2>/dev/null && exit
echo "Cannot run on $(uname -s) $(uname -m) with Node.js $(node -v 2>/dev/null || echo "that does not start"):" \
  "the install has no Node.js for it. Use macOS, or Linux with glibc (on Windows: WSL), on x64 or arm64, and type: npm ci" >&2
exit 1
