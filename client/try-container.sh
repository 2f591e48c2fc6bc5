#!/usr/bin/env bash
# Builds the client's image, and lets a container of it paint one picture on the local cloud: with the three variables
# and an endpoint, as a user that is not root, on a read-only file system.
#   client/try-container.sh                  with docker
#   ENGINE=buildah client/try-container.sh   with buildah, as root, on stand-ins for the base images made from this
#                                            machine's Node.js: for machines that reach no registry
set -euo pipefail
cd "$(dirname "$0")/.."

readonly ENGINE="${ENGINE:-docker}"
readonly IMAGE="image-generator-client:try"
readonly REVISION="$(git rev-parse HEAD)"
readonly WORK="$(mktemp -d)"
serving=""
finish() {
  if [[ -n "$serving" ]]; then kill -- "-$serving" 2>/dev/null && wait "$serving" || true; fi
  rm -rf "$WORK"
}
trap finish EXIT

# Buildah needs neither a daemon nor the rights to make namespaces in this mode.
export STORAGE_DRIVER=vfs BUILDAH_ISOLATION=chroot

# A base image with this machine's Node.js, the libraries it is linked to and, for the build, npm.
stand_in() {
  local name="$1" node="$2" root="$WORK/root" binary
  rm -rf "$root" && mkdir -p "$root"/{tmp,root,etc,usr/bin,bin} && chmod 1777 "$root/tmp"
  binary="$(npm exec --offline -- node -p process.execPath)"
  install -D "$binary" "$root$node"
  ldd "$binary" | grep -o '/[^ ]*' | while read -r library; do install -D "$library" "$root$library"; done
  if [[ "$name" == *slim* ]]; then
    for tool in /bin/sh /usr/bin/env; do
      install -D "$(readlink -f "$tool")" "$root$tool"
      ldd "$tool" | grep -o '/[^ ]*' | while read -r library; do install -D "$library" "$root$library"; done
    done
    mkdir -p "$root/usr/lib/node_modules"
    cp -r "$(npm root --global)/npm" "$root/usr/lib/node_modules/npm"
    ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/bin/npm"
    ln -s ../lib/node_modules/npm/bin/npx-cli.js "$root/usr/bin/npx"
    # Behind a proxy with a certificate of its own, Node.js is told of it like this.
    if [[ -n "${NODE_EXTRA_CA_CERTS:-}" ]]; then install -D "$NODE_EXTRA_CA_CERTS" "$root/etc/extra-ca.pem"; fi
  fi
  local container
  container="$(buildah from scratch)"
  buildah copy --quiet "$container" "$root" / >/dev/null
  if [[ -e "$root/etc/extra-ca.pem" ]]; then
    buildah config --env NODE_EXTRA_CA_CERTS=/etc/extra-ca.pem "$container"
  fi
  buildah commit --quiet --rm "$container" "$name" >/dev/null
}

build() {
  local arguments=(--file client/Dockerfile --tag "$IMAGE" --build-arg "REVISION=$REVISION")
  # The user's npm settings, where there are any: they may name another registry.
  if [[ -f "$HOME/.npmrc" ]]; then arguments+=(--secret "id=npmrc,src=$HOME/.npmrc"); fi
  if [[ "$ENGINE" == docker ]]; then
    docker buildx version >/dev/null 2>&1 || {
      echo "This docker has no buildx, which the Dockerfile needs. Install Docker's buildx plugin, or type: ENGINE=buildah client/try-container.sh" >&2
      exit 1
    }
    docker build "${arguments[@]}" .
    return
  fi
  stand_in docker.io/library/node:22-slim /usr/bin/node
  stand_in gcr.io/distroless/nodejs22-debian12:nonroot /nodejs/bin/node
  buildah build --pull-never --ignorefile client/Dockerfile.dockerignore "${arguments[@]}" .
}

# Runs the container with what is in the environment of the same name.
run() {
  local variables=(AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY SQS_QUEUE_URL AWS_ENDPOINT_URL)
  if [[ "$ENGINE" == docker ]]; then
    docker run --rm --read-only --network host --volume "$WORK/pictures:/pictures" \
      "${variables[@]/#/--env=}" "$IMAGE" "$@"
    return
  fi
  # `buildah run` ignores the entry point: it is read from the image.
  local container root entrypoint
  container="$(buildah from --pull-never "$IMAGE")"
  mapfile -t entrypoint < <(buildah inspect --type image "$IMAGE" |
    node -e 'JSON.parse(require("fs").readFileSync(0)).OCIv1.config.Entrypoint.forEach((word) => console.log(word))')
  local settings=()
  for variable in "${variables[@]}"; do settings+=(--env "$variable=${!variable}"); done
  # Nor does it know `--read-only`: the container's root is mounted so before. A first run makes the places where
  # buildah itself mounts something, and /run is where it writes.
  buildah run "$container" -- "${entrypoint[@]}" --version >/dev/null
  root="$(buildah mount "$container")"
  local code=0
  unshare --mount bash -euc '
    mount --bind "$1" "$1"
    mount --types tmpfs tmpfs "$1/run"
    mount --options remount,ro,bind "$1"
    shift
    exec "$@"' read-only "$root" \
    buildah run --volume "$WORK/pictures:/pictures" "${settings[@]}" "$container" -- "${entrypoint[@]}" "$@" || code=$?
  buildah rm "$container" >/dev/null
  return "$code"
}

build

# In a process group of its own, so that what npm has started ends with it.
set -m
npm start -- --port 0 --api-port 0 >"$WORK/serve.log" 2>&1 &
serving=$!
set +m
until grep -q "^Serving on" "$WORK/serve.log"; do
  kill -0 "$serving" 2>/dev/null || { cat "$WORK/serve.log" >&2; exit 1; }
  sleep 0.2
done
export AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local
AWS_ENDPOINT_URL="$(sed -n 's/^Serving on \(http[^ ]*\).*/\1/p' "$WORK/serve.log")"
SQS_QUEUE_URL="$(sed -n 's/^ *queue *\(http[^ ]*\)$/\1/p' "$WORK/serve.log")"
export AWS_ENDPOINT_URL SQS_QUEUE_URL
# The container's user is none that this machine knows.
mkdir -m 777 "$WORK/pictures"

run "Me on top of K2" --wait --output k2.png
run doctor
refusal="$(run "Me on top of K2" --wait --output /tmp/k2.png 2>&1)" && { echo "/tmp is not read-only." >&2; exit 1; }
grep "read-only" <<<"$refusal"
owner="$(stat -c %u "$WORK/pictures/k2.png")"
[[ "$owner" != 0 ]] || { echo "The container ran as root." >&2; exit 1; }
head -c 8 "$WORK/pictures/k2.png" | grep -q PNG || { echo "k2.png is not a PNG." >&2; exit 1; }
echo "The container painted k2.png ($(stat -c %s "$WORK/pictures/k2.png") bytes) as user $owner."
