# What a user does without a network, in an empty folder. Run by hide.sh.
set -euo pipefail
source /mnt/scripts/steps.sh
PATH=/mnt/bin:$PATH
emulated=(qemu qemu-m33 qemu-m0plus)
real=(pico pico2 nrf52840-dk nucleo-f446re)
pictures=pinhole-demo/pictures

echo "without network, as $(id -un) in $PWD:"
check "there is no Rust" bash -c '! cargo --version && ! rustc --version && ! qemu-system-arm --version'
check "the program starts" says "pinhole " pinhole --version
check "demo ends well without an emulator" says "0 mismatches" pinhole demo
check "train" writes run/report.html \
  pinhole train $pictures/train --validation $pictures/validation --epochs 2 --seed 1 --out run
check "classify" says muffin pinhole classify $pictures/validation/muffin-*
check "classify with a trained model" says validation pinhole classify run/model.pinhole $pictures/validation/*
check "evaluate" says float pinhole evaluate run $pictures/validation
check "explain" writes explain.html pinhole explain run $pictures/validation/muffin-*
check "inspect" says conv-50 pinhole inspect conv-50
check "quantize" says bytes pinhole quantize run $pictures/train
check "models" says conv-96 pinhole models
check "recipes" says conv-96 pinhole recipes
check "boards" says nucleo-f446re pinhole boards
check "draw" writes drawn pinhole draw --out drawn
check "export to C" writes model.h pinhole export run --out model.h
check "export to TensorFlow Lite" writes model.tflite pinhole export run --out model.tflite
check "import" writes imported.pinhole pinhole import model.tflite --out imported.pinhole --classes chihuahua,muffin
for board in "${real[@]}"; do
  check "inspect --board $board" says flash pinhole inspect run --board "$board"
done
for board in "${emulated[@]}" "${real[@]}"; do
  check "pack --board $board" writes "$board.packed" pinhole pack run --board "$board" --out "$board.packed"
done
for board in "${real[@]}"; do
  check "flash --dry-run --board $board" says "it fits" pinhole flash run --board "$board" --dry-run
  for format in hex bin elf; do
    check "flash --out $board.$format" writes "$board.$format" \
      pinhole flash run --board "$board" --out "$board.$format"
  done
done
check "flash --out pico.uf2" writes pico.uf2 pinhole flash run --board pico --out pico.uf2
check "completions" says pinhole pinhole completions bash
check "man" writes man/pinhole-train.1 pinhole man --out man
check "doctor without network" ends_with 1 MISSING pinhole doctor --offline
check "doctor" says "on demand" pinhole doctor
check "inspect --board qemu leaves out the stack" says "the stack is not measured" pinhole inspect run --board qemu
check "prove says what is missing" ends_with 1 emulator pinhole prove run $pictures/validation --board qemu
check "firmware cannot be built, and that is said" \
  ends_with 1 checkout pinhole inspect run --board pico --build-firmware
check "only what was asked for was written" \
  only_holds . pinhole-demo run explain.html drawn model.h model.tflite imported.pinhole man '*.packed' '*.hex' '*.bin' '*.elf' pico.uf2
