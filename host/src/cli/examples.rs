//! Examples at the end of each command's help. A test parses all of them, so they are valid commands.

pub(super) const PINHOLE: &str = "\
Examples:
  pinhole demo
  pinhole train photos --out run
  pinhole classify run a.jpg
  pinhole prove run photos";

pub(super) const DEMO: &str = "\
Examples:
  pinhole demo
  pinhole demo --out tried --seed 2";

pub(super) const TRAIN: &str = "\
Examples:
  pinhole train photos --recipe conv-50 --out run
  pinhole train photos --out run --resume
  pinhole train photos.csv --validation others.csv
  pinhole train digits --class-from first-char
  pinhole train others --from conv-96 --freeze --out run2";

pub(super) const QUANTIZE: &str = "\
Examples:
  pinhole quantize run photos --weights 4 --out run/four.pinhole
  pinhole quantize run photos --min-confidence 0.8 --smooth 2/3
  pinhole quantize conv-50-tiny photos --weights 4 --fine-tune 10 --out tiny.pinhole";

pub(super) const EVALUATE: &str = "\
Examples:
  pinhole evaluate run other-photos
  pinhole evaluate run other-photos --beside run/four.pinhole --json";

pub(super) const CLASSIFY: &str = "\
Examples:
  pinhole classify a.jpg
  pinhole classify run a.jpg b.jpg
  pinhole classify run photos --limit 20 --json";

pub(super) const EXPLAIN: &str = "\
Examples:
  pinhole explain run a.jpg
  pinhole explain conv-96 photos --limit 10 --out why.html";

pub(super) const INSPECT: &str = "\
Examples:
  pinhole inspect run
  pinhole inspect conv-50-tiny --board pico";

pub(super) const BOARDS: &str = "\
Examples:
  pinhole boards
  pinhole boards --json";

pub(super) const PACK: &str = "\
Examples:
  pinhole pack run --board pico --out model.bin
  pinhole pack conv-50-tiny --board qemu-m0plus --out model.bin --json";

pub(super) const EXPORT: &str = "\
Examples:
  pinhole export run --out model.h
  pinhole export run photos --out model.tflite";

pub(super) const IMPORT: &str = "\
Examples:
  pinhole import net.tflite --out net.pinhole
  pinhole import net.tflite --classes chihuahua,muffin --out net.pinhole";

pub(super) const FLASH: &str = "\
Examples:
  pinhole flash run --board pico
  pinhole flash run --board nucleo-f446re --dry-run
  pinhole flash conv-50-tiny --board pico --out pinhole.uf2";

pub(super) const DOCTOR: &str = "\
States: ok; on demand (made when a command first needs it); MISSING (you have to act); not needed (this machine
does without it). Exit status: 1 if a part is MISSING, else 0.

Examples:
  pinhole doctor
  pinhole doctor --fix";

pub(super) const SIMULATE: &str = "\
Examples:
  pinhole simulate a.jpg
  pinhole simulate run photos --board qemu-m0plus --camera arducam-mini";

pub(super) const PROVE: &str = "\
Examples:
  pinhole prove run photos
  pinhole prove run photos --board qemu-m0plus --limit 100
  pinhole prove run --board pico --captures 20";

pub(super) const CAPTURE: &str = "\
Examples:
  pinhole capture --board pico --label muffin --out seen
  pinhole capture conv-96 a.jpg --label muffin --count 1 --out seen";

pub(super) const WATCH: &str = "\
Examples:
  pinhole watch run photos
  pinhole watch run --board pico --every 200";

pub(super) const BENCH: &str = "\
Examples:
  pinhole bench run
  pinhole bench conv-50-tiny --board qemu-m0plus";

pub(super) const STUDY: &str = "\
Examples:
  pinhole study photos --systems conv-50,conv-50-tiny --seeds 3 --out study
  pinhole study photos --shard 1/2 --out shard-1";

pub(super) const MERGE: &str = "\
Examples:
  pinhole merge shard-1 shard-2
  pinhole merge shard-1 shard-2 --out study --json";

pub(super) const TUNE: &str = "\
Examples:
  pinhole tune photos --flash 256K --ram 32K
  pinhole tune photos --flash 64K --ram 16K --candidates 12 --out small";

pub(super) const RECIPES: &str = "\
Examples:
  pinhole recipes
  pinhole recipes conv-50 > mine.toml";

pub(super) const MODELS: &str = "\
Examples:
  pinhole models
  pinhole models --json";

pub(super) const DRAW: &str = "\
Examples:
  pinhole draw --out pictures
  pinhole draw --out more --seed 7 --train 100 --validation 20";

pub(super) const COMPLETIONS: &str = "\
Examples:
  pinhole completions bash > pinhole.bash  # once; or in ~/.bashrc: source <(pinhole completions bash)
  pinhole completions fish > ~/.config/fish/completions/pinhole.fish

Write the script anew after you install another version.";

pub(super) const MAN: &str = "\
Examples:
  pinhole man --out man1
  pinhole man --out ~/.local/share/man/man1";
