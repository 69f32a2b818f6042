# In mount and process namespaces of its own, as their root: hide.sh PROGRAM UID PART...
#
# Makes /mnt/{bin,home,work}, hides what users do not have, runs the parts as the user, and looks for traces. UID is who
# started the test: root becomes a user made for it, anyone else stays who they are.
set -euo pipefail
program=$1 starter=$2
shift 2
scripts=$(realpath "$(dirname "$0")")
checkout=$(realpath "$scripts/../..")
source "$scripts/../steps.sh"

mount -t tmpfs -o mode=0755 tmpfs /mnt
mkdir /mnt/bin /mnt/scripts /mnt/home /mnt/work
cp "$program" /mnt/bin/pinhole
cp "$scripts"/*.sh "$scripts"/../steps.sh /mnt/scripts
chmod 0755 /mnt/bin/pinhole

if [ "$starter" -eq 0 ]; then
  uid=64321
  for list in passwd group; do
    cp "/etc/$list" "/mnt/$list"
    mount --bind "/mnt/$list" "/etc/$list"
  done
  echo "bare:x:$uid:$uid::/mnt/home:/bin/sh" >>/etc/passwd
  echo "bare:x:$uid:" >>/etc/group
  as_user=(setpriv --reuid "$uid" --regid "$uid" --clear-groups --no-new-privs)
  chown "$uid:$uid" /mnt/home /mnt/work
else
  as_user=(unshare --user --map-user "$starter" --map-group "$(id -g)")
fi
chmod 0700 /mnt/home /mnt/work

# Folders that anyone may write to: empty ones, that are looked at afterwards. The checkout and Rust may lie below them.
shared_folders=(/tmp /var/tmp /dev/shm)
hidden=("$checkout" "${CARGO_HOME:-$HOME/.cargo}" "${RUSTUP_HOME:-$HOME/.rustup}" /usr/lib/rustlib /usr/src/rust*)
[ -z "${CARGO_TARGET_DIR:-}" ] || hidden+=("$CARGO_TARGET_DIR")
cd /
for folder in "${hidden[@]}"; do
  [ ! -d "$folder" ] || mount -t tmpfs -o ro,mode=0755 tmpfs "$folder"
done
for folder in "${shared_folders[@]}"; do
  [ ! -d "$folder" ] || mount -t tmpfs -o mode=1777 tmpfs "$folder"
done
for name in cargo rustc rustup rust-lld ld.lld arm-none-eabi-gcc qemu-system-arm; do
  for folder in /usr/local/bin /usr/bin /bin; do
    [ ! -e "$folder/$name" ] || mount --bind /dev/null "$folder/$name"
  done
done
if [ -e "$checkout/Cargo.toml" ] || [ -e "$program" ]; then
  failed "the checkout $checkout is hidden"
fi

environment=(env -i HOME=/mnt/home PATH=/usr/local/bin:/usr/bin:/bin USER=bare LOGNAME=bare)
# A proxy is how some machines reach the network at all.
for variable in http_proxy https_proxy no_proxy; do
  [ -z "${!variable:-}" ] || environment+=("$variable=${!variable}")
done
for part in "$@"; do
  network=()
  if [ "$part" = offline ]; then network=(unshare --net); fi
  (cd /mnt/work && "${network[@]}" "${as_user[@]}" "${environment[@]}" bash "/mnt/scripts/$part.sh")
done

for folder in "${shared_folders[@]}"; do
  check "nothing is left in $folder" is_empty "$folder"
done
check "nothing is in the home folder but the cache" only_holds /mnt/home .cache
check "nothing is in the cache folder but Pinhole's" only_holds /mnt/home/.cache pinhole
if [ "$starter" -eq 0 ]; then
  check "no process is left" no_process_of "$uid"
fi
