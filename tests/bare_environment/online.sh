# What a user does with a network, after offline.sh, in the same folder. Run by hide.sh.
set -euo pipefail
source /mnt/scripts/steps.sh
PATH=/mnt/bin:$PATH
validation=pinhole-demo/pictures/validation

echo "with network, as $(id -un) in $PWD:"
for board in qemu qemu-m33 qemu-m0plus; do
  check "prove --board $board" says " 0 mismatches" pinhole prove run $validation --board "$board"
  check "inspect --board $board" says stack pinhole inspect run --board "$board"
  check "bench --board $board" says instructions pinhole bench run --board "$board"
done
check "simulate" says muffin pinhole simulate run $validation/muffin-*
check "demo proves on the emulated board" says "emulated board" pinhole demo --out demo-again
check "doctor" says ok pinhole doctor
