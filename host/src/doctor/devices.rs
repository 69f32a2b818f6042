//! Debug probes and serial ports, and whether this user may open them.

use std::path::{Path, PathBuf};

use pinhole_boards::platform::may_write;
use pinhole_boards::probe::{self, DebugProbes};
use serde::Serialize;
use serialport::SerialPortType;

/// Folders of the rules of Linux' device manager. Source: udev(7).
#[cfg(target_os = "linux")]
const RULES_FOLDERS: [&str; 4] =
    ["/etc/udev/rules.d", "/run/udev/rules.d", "/usr/local/lib/udev/rules.d", "/usr/lib/udev/rules.d"];
/// Part of the file name of probe-rs' rules (`69-probe-rs.rules`).
#[cfg(target_os = "linux")]
const RULES: &str = "probe-rs";

/// A connected device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reachable {
    /// Name of the device.
    pub name: String,
    /// True if this user may open it.
    pub accessible: bool,
}

/// Facts about debug probes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProbeFacts {
    /// Connected probes.
    pub probes: Vec<Reachable>,
    /// True if this program supports probes (feature `probe`).
    pub built_in: bool,
    /// True if this system gives users access to probes by rules of its device manager.
    pub rules_needed: bool,
    /// File of probe-rs' rules, if installed.
    pub rules: Option<PathBuf>,
}

/// Facts about serial ports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SerialFacts {
    /// Serial ports on USB, which may belong to boards.
    pub ports: Vec<Reachable>,
}

/// Returns the connected debug probes; none if this program was built without support for probes.
pub(super) fn probes(debug_probes: &DebugProbes) -> ProbeFacts {
    let probes = probe::probes(debug_probes).unwrap_or_default().into_iter();
    let probes = probes.map(|probe| Reachable { name: probe.name, accessible: probe.accessible });
    ProbeFacts {
        probes: probes.collect(),
        built_in: cfg!(feature = "probe"),
        rules_needed: cfg!(target_os = "linux"),
        rules: rules(),
    }
}

#[cfg(target_os = "linux")]
fn rules() -> Option<PathBuf> {
    let entries = RULES_FOLDERS.iter().flat_map(|folder| std::fs::read_dir(folder).into_iter().flatten().flatten());
    entries.map(|entry| entry.path()).find(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.contains(RULES) && name.ends_with(".rules")
    })
}

#[cfg(not(target_os = "linux"))]
fn rules() -> Option<PathBuf> {
    None
}

/// Returns the serial ports on USB. Ports that are built into PCs have no board.
pub(super) fn serial_ports() -> SerialFacts {
    let ports = serialport::available_ports().unwrap_or_default().into_iter();
    let on_usb = ports.filter(|port| matches!(port.port_type, SerialPortType::UsbPort(_)));
    let ports =
        on_usb.map(|port| Reachable { accessible: may_write(Path::new(&port.port_name)), name: port.port_name });
    SerialFacts { ports: ports.collect() }
}
