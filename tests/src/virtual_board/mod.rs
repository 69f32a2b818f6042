//! Test equipment: a virtual board behind a virtual debug probe. The board is an emulated mps2-an386 that keeps flashed
//! data while it runs. The probe is QEMU's gdb stub behind a Cortex-M's debug registers. So all of probe-rs except its
//! USB code and its flash algorithms runs as with hardware: attach, download, verify, halt, reset, RTT.
//!
//! [`VirtualBoard`] is the board. [`VirtualBoard::plug_into`] passes it to a process, which finds it by [`fn@bench`].
//! The program `pinhole-virtual-bench` is `pinhole` with these probes instead of those on USB.

mod gdb;
mod probe;

use std::fmt;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::thread;
use std::time::{Duration, Instant};

use pinhole::emulator::emulator;
use pinhole::emulator::testing::KillOnDrop;
use pinhole::probe::DebugProbes;
use probe_rs::config::Registry;
use probe_rs::integration::ProbeLister;
use probe_rs::probe::list::{Lister, ProbeListItem};
use probe_rs::probe::{DebugProbe, DebugProbeError, DebugProbeInfo, DebugProbeSelector, Probe, ProbeFactory};
use tempfile::TempDir;

use probe::VirtualProbe;

/// Name of the probe.
const PROBE_NAME: &str = "Virtual probe (test equipment)";
/// USB identifiers of the probe; no such vendor exists.
const VENDOR: u16 = 0xFFFF;
const PRODUCT: u16 = 0x0001;
/// Nominal speed of the probe, kHz.
const SPEED_KHZ: u32 = 1_000;

/// Environment variable: socket of the board's gdb stub.
const SOCKET: &str = "PINHOLE_VIRTUAL_BOARD";
/// Environment variable: fault of the board.
const FAULT: &str = "PINHOLE_VIRTUAL_FAULT";
/// Environment variable: number of probes; 1 if absent. All lead to the same board.
const PROBES: &str = "PINHOLE_VIRTUAL_PROBES";

/// Prompt of QEMU's monitor.
const PROMPT: &[u8] = b"(qemu) ";

/// Description of QEMU's machine as a chip, for probe-rs. Its code memory can be written like RAM, as QEMU implements
/// it: there is no flash algorithm.
const CHIP: &str = "
name: Virtual
variants:
- name: mps2-an386
  cores:
  - name: main
    type: armv7em
    core_access_options: !Arm
      ap: !v1 0
  memory_map:
  - !Ram
    range:
      start: 0x0
      end: 0x400000
    cores: [main]
  - !Ram
    range:
      start: 0x20000000
      end: 0x20400000
    cores: [main]
flash_algorithms: []
";

/// Faults of a board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BoardFault {
    /// The debug port is protected.
    Locked,
    /// The board does not answer: no power, or a loose wire.
    Silent,
}

impl BoardFault {
    const ALL: [Self; 2] = [Self::Locked, Self::Silent];

    fn name(self) -> &'static str {
        match self {
            Self::Locked => "locked",
            Self::Silent => "silent",
        }
    }
}

/// An emulated board with an empty flash. It ends when this is dropped.
#[derive(Debug)]
pub struct VirtualBoard {
    folder: TempDir,
    _emulator: KillOnDrop,
}

impl VirtualBoard {
    /// QEMU's machine of the board `qemu-probed`.
    pub const MACHINE: &'static str = "mps2-an386";
    /// Another machine, with another chip identification.
    pub const OTHER_MACHINE: &'static str = "mps2-an385";

    /// Starts QEMU with this machine.
    pub fn start(machine: &str) -> Self {
        Self::start_with(machine, &[])
    }

    /// Starts QEMU with a file in its memory. QEMU's own loader reads ELF and Intel HEX; raw bytes go to address 0. The
    /// board does not run before [`Self::read`].
    pub fn with_file(file: &Path) -> Self {
        let file = file.to_str().expect("a temporary file has a Unicode path");
        Self::start_with(Self::MACHINE, &["-device", &format!("loader,file={file},addr=0")])
    }

    fn start_with(machine: &str, more: &[&str]) -> Self {
        let folder = crate::temporary();
        let mut command = emulator().expect("the emulator is there, or a private copy can be made").command();
        command.args(["-machine", machine, "-display", "none", "-serial", "null", "-serial", "null"]).args(more);
        command.arg("-monitor").arg(format!("unix:{},server=on,wait=off", folder.path().join("monitor").display()));
        // Stopped: with an empty flash it would fault at once, and QEMU would end.
        command.arg("-S").arg("-gdb").arg(format!("unix:{},server=on,wait=off", folder.path().join("gdb").display()));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::inherit());
        let emulator = KillOnDrop::new(command.spawn().expect("the emulator starts"));
        let board = Self { folder, _emulator: emulator };
        let deadline = Instant::now() + Duration::from_secs(300);
        while !board.socket().exists() || !board.monitor().exists() {
            assert!(Instant::now() < deadline, "the emulator did not start");
            thread::sleep(Duration::from_millis(5));
        }
        board
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("gdb")
    }

    fn monitor(&self) -> PathBuf {
        self.folder.path().join("monitor")
    }

    /// Resets the board as its button would, without notice to an attached probe.
    pub fn press_reset(&self) {
        let mut monitor = gdb::connect(&self.monitor()).expect("the emulator runs");
        monitor.set_read_timeout(Some(Duration::from_secs(300))).expect("a socket has a timeout");
        monitor.write_all(b"system_reset\n").expect("the emulator runs");
        // It shows its prompt before and after the command.
        let (mut said, mut bytes) = (Vec::new(), [0; 256]);
        while said.windows(PROMPT.len()).filter(|&window| window == PROMPT).count() < 2 {
            let count = monitor.read(&mut bytes).expect("the emulator runs");
            assert!(count > 0, "the emulator ended");
            said.extend_from_slice(&bytes[..count]);
        }
    }

    /// Returns the board behind one probe, for this process.
    pub fn bench(&self) -> DebugProbes {
        bench_of(1, &Plug { socket: self.socket(), fault: None })
    }

    /// Passes the board to a process, behind this number of probes.
    pub fn plug_into<'c>(&self, command: &'c mut Command, probes: usize, fault: Option<BoardFault>) -> &'c mut Command {
        command.env(SOCKET, self.socket()).env(PROBES, probes.to_string());
        command.env(FAULT, fault.map_or("", BoardFault::name))
    }

    /// Reads memory of the board directly, without a probe.
    pub fn read(&self, address: u32, bytes: &mut [u8]) {
        let mut gdb = gdb::Gdb::connect(&self.socket()).expect("the emulator runs");
        gdb.read(address, bytes).expect("there is memory");
        gdb.run().expect("the emulator runs");
    }
}

/// Returns the probes of this process from its environment, and probe-rs' chips plus the board's.
///
/// # Panics
/// If the environment variables are invalid.
pub fn bench() -> DebugProbes {
    let count = std::env::var(PROBES).map_or(1, |count| count.parse().expect("a number of probes"));
    let wrong = std::env::var(FAULT).unwrap_or_default();
    let fault = BoardFault::ALL.into_iter().find(|fault| fault.name() == wrong);
    match std::env::var_os(SOCKET) {
        Some(socket) => bench_of(count, &Plug { socket: socket.into(), fault }),
        None => bench_of(0, &Plug { socket: PathBuf::new(), fault }),
    }
}

fn bench_of(count: usize, plug: &Plug) -> DebugProbes {
    // probe-rs requires drivers that live as long as the program.
    let plug = Box::leak(Box::new(plug.clone()));
    DebugProbes { lister: Lister::with_lister(Box::new(Probes { count, plug })), registry: LazyLock::new(chips) }
}

/// Returns the chips known to probe-rs, and the board's.
fn chips() -> Registry {
    let mut registry = Registry::from_builtin_families();
    registry.add_target_family_from_yaml(CHIP).expect("the chip is described as probe-rs wants it");
    registry
}

/// Probes that are all connected to the same board.
#[derive(Debug)]
struct Probes {
    count: usize,
    plug: &'static Plug,
}

impl ProbeLister for Probes {
    fn open(&self, selector: &DebugProbeSelector) -> Result<Probe, DebugProbeError> {
        self.plug.open(selector).map(Probe::from_specific_probe)
    }

    fn list_with_access(&self, selector: Option<&DebugProbeSelector>) -> Vec<ProbeListItem> {
        let all = (1..=self.count).map(|number| {
            DebugProbeInfo::new(PROBE_NAME, VENDOR, PRODUCT, Some(format!("VIRTUAL{number}")), self.plug, None, false)
        });
        let wanted = all.filter(|probe| selector.is_none_or(|selector| selector.matches_probe(probe)));
        wanted.map(ProbeListItem::accessible).collect()
    }
}

/// Connection to a board, as a probe driver of probe-rs.
#[derive(Clone, Debug)]
struct Plug {
    socket: PathBuf,
    fault: Option<BoardFault>,
}

impl fmt::Display for Plug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PROBE_NAME)
    }
}

impl ProbeFactory for Plug {
    fn open(&self, _: &DebugProbeSelector) -> Result<Box<dyn DebugProbe>, DebugProbeError> {
        Ok(Box::new(VirtualProbe { socket: self.socket.clone(), fault: self.fault, speed_khz: SPEED_KHZ }))
    }

    /// Empty, because [`Probes`] lists them.
    fn list_probes(&self) -> Vec<ProbeListItem> {
        Vec::new()
    }
}
