//! Debug probes and serial ports, and whether this user may open them.

use std::path::{Path, PathBuf};

use probe_rs::probe::list::Accessibility;
use serde::Serialize;
use serialport::SerialPortType;

use crate::platform::may_write;
use crate::probe::{Bench, DebugProbeSelector};

/// Folders where Linux' device manager finds its rules.
/// Source: udev(7).
#[cfg(target_os = "linux")]
const RULES_FOLDERS: [&str; 4] =
    ["/etc/udev/rules.d", "/run/udev/rules.d", "/usr/local/lib/udev/rules.d", "/usr/lib/udev/rules.d"];
/// What the file of probe-rs' rules has in its name (`69-probe-rs.rules`).
#[cfg(target_os = "linux")]
const RULES: &str = "probe-rs";

/// A device that is plugged in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reachable {
    /// What it is called.
    pub name: String,
    /// Whether this user may open it.
    pub accessible: bool,
}

/// Debug probes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProbeFacts {
    /// Those that are plugged in.
    pub probes: Vec<Reachable>,
    /// Whether this system gives users access to probes by rules of its device manager.
    pub rules_needed: bool,
    /// The file of probe-rs' rules, where it is installed.
    pub rules: Option<PathBuf>,
}

/// Serial ports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SerialFacts {
    /// Those on USB, which boards may be behind.
    pub ports: Vec<Reachable>,
}

/// The debug probes that are plugged in.
pub(super) fn probes(bench: &Bench) -> ProbeFacts {
    let probes = bench.lister.list_all_with_access().into_iter().map(|item| Reachable {
        name: format!("{} ({})", DebugProbeSelector::from(&item.info), item.info.identifier),
        accessible: item.accessibility == Accessibility::Accessible,
    });
    ProbeFacts { probes: probes.collect(), rules_needed: cfg!(target_os = "linux"), rules: rules() }
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

/// The serial ports on USB. The ports that are built into PCs have no board behind them.
pub(super) fn serial_ports() -> SerialFacts {
    let ports = serialport::available_ports().unwrap_or_default().into_iter();
    let on_usb = ports.filter(|port| matches!(port.port_type, SerialPortType::UsbPort(_)));
    let ports =
        on_usb.map(|port| Reachable { accessible: may_write(Path::new(&port.port_name)), name: port.port_name });
    SerialFacts { ports: ports.collect() }
}
