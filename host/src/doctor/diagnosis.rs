//! Diagnosis: one check for each part of the system, from the facts.

use pinhole_boards::firmware::short_digest;
use serde::Serialize;

use super::facts::{CacheFacts, EmulatorFacts, Facts, ProgramFacts};
use super::firmware::{CompilerFacts, FirmwareFacts, Sources};
use super::{ProbeFacts, Reachable, SerialFacts};

/// Page of probe-rs on giving users access to probes.
const PROBE_SETUP: &str = "https://probe.rs/docs/getting-started/probe-setup";
/// Command that does everything that this user's rights allow.
const FIX: &str = "pinhole doctor --fix";

/// State of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckState {
    /// It works.
    Ok,
    /// It is made when first needed; the user does not have to do anything.
    OnDemand,
    /// It is missing or does not work; the user has to do something.
    Missing,
    /// It is missing, and nothing that the user has requires it.
    NotNeeded,
}

impl CheckState {
    /// Returns the name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::OnDemand => "on demand",
            Self::Missing => "MISSING",
            Self::NotNeeded => "not needed",
        }
    }
}

/// A check of one part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Name of the part.
    pub name: &'static str,
    /// State of the part.
    pub state: CheckState,
    /// Findings, in words.
    pub found: String,
    /// Commands that require it, in words.
    pub needed_by: &'static str,
    /// Command or advice that helps; `None` if there is nothing to do.
    pub remedy: Option<String>,
}

/// Diagnoses the facts: returns a check for each part, in the order in which people meet them.
pub fn diagnose(facts: &Facts) -> Vec<Check> {
    vec![
        program(&facts.program),
        firmware(&facts.firmware),
        emulator(&facts.emulator),
        cache(facts.cache.as_ref(), facts.emulator.found.is_some()),
        compiler(&facts.compilers, facts.firmware.from_source),
        probes(&facts.probes),
        serial_ports(&facts.serial_ports),
        gpu(&facts.program),
    ]
}

fn program(facts: &ProgramFacts) -> Check {
    let found = format!(
        "{} on {} ({}); photos: {}",
        facts.version,
        facts.os,
        facts.architecture,
        facts.photo_formats.join(", ")
    );
    Check { name: "program", state: CheckState::Ok, found, needed_by: "all commands", remedy: None }
}

fn firmware(facts: &FirmwareFacts) -> Check {
    let compiler = facts.compiler.as_deref().map(short_version).unwrap_or_default();
    let digest = short_digest(facts.source_digest.as_deref().unwrap_or("unknown"));
    let mut found = format!("prebuilt for {} boards by {compiler}, from the sources {digest}", facts.prebuilt.len());
    let mut remedy = None;
    match &facts.sources {
        Sources::NoCheckout => {}
        Sources::Unchanged { checkout } => found += &format!(", the same as in {}", checkout.display()),
        Sources::Changed { checkout } => {
            found += &format!("; the sources in {} have changed since", checkout.display());
            remedy = Some("cargo xtask firmware".to_owned());
        }
    }
    let mut state = CheckState::Ok;
    if facts.from_source {
        found = "built from source, because of --build-firmware or PINHOLE_BUILD_FIRMWARE".to_owned();
        remedy = None;
        if facts.sources == Sources::NoCheckout {
            state = CheckState::Missing;
            found += "; the current folder is not in a checkout";
            remedy = Some("leave out --build-firmware".to_owned());
        }
    } else if let Some(problem) = &facts.problem {
        state = CheckState::Missing;
        found.clone_from(problem);
        remedy = Some("reinstall Pinhole".to_owned());
    }
    let needed_by = "prove, simulate, bench, watch, capture, flash, demo, inspect --board";
    Check { name: "firmware", state, found, needed_by, remedy }
}

/// Returns a compiler's name and version without the text in parentheses.
fn short_version(version: &str) -> &str {
    version.split(" (").next().unwrap_or(version)
}

fn emulator(facts: &EmulatorFacts) -> Check {
    let (state, mut found, remedy) = match (&facts.found, &facts.will_be_copied_to) {
        (Some(found), _) => {
            let version = found.version.as_deref().unwrap_or("of an unknown version");
            (CheckState::Ok, format!("QEMU {version}, {}: {}", found.origin, found.path.display()), None)
        }
        (None, Some(folder)) => {
            let found = format!("none is installed; a private copy will be downloaded into {}", folder.display());
            (CheckState::OnDemand, found, Some(FIX.to_owned()))
        }
        (None, None) => (CheckState::Missing, facts.problem.clone().unwrap_or_default(), facts.advice.clone()),
    };
    if state != CheckState::Missing {
        for unusable in &facts.unusable {
            found += &format!("; not usable: {unusable}");
        }
    }
    let needed_by = "prove, simulate, bench, watch and capture on emulated boards; demo (optional)";
    Check { name: "emulator", state, found, needed_by, remedy }
}

/// `unused` is true if there is an emulator: then nothing requires a writable folder.
fn cache(facts: Option<&CacheFacts>, unused: bool) -> Check {
    let another = "set PINHOLE_CACHE to a writable folder".to_owned();
    let (state, found, remedy) = match facts {
        None => (CheckState::Missing, "this user has no cache folder".to_owned(), Some(another)),
        Some(facts) => {
            let path = facts.path.display();
            let (state, mut found, mut remedy) = match (facts.writable, facts.exists) {
                (false, _) => (CheckState::Missing, format!("{path} cannot be written to"), Some(another)),
                (true, false) => (CheckState::OnDemand, format!("{path} does not exist yet"), Some(FIX.to_owned())),
                (true, true) => (CheckState::Ok, format!("{path}, {:.1} MB", facts.bytes as f64 / 1e6), None),
            };
            if facts.leftovers > 0 && facts.writable {
                found += &format!("; {} unfinished downloads in it", facts.leftovers);
                remedy = Some(FIX.to_owned());
            }
            (state, found, remedy)
        }
    };
    let (state, remedy) = match state {
        CheckState::Missing if unused => (CheckState::NotNeeded, None),
        state => (state, remedy),
    };
    Check { name: "cache folder", state, found, needed_by: "the emulator's private copy", remedy }
}

fn compiler(facts: &[CompilerFacts], from_source: bool) -> Check {
    let found: Vec<String> = facts
        .iter()
        .map(|facts| match &facts.compiler {
            Some(compiler) => format!("{} for {}", short_version(compiler), facts.target),
            None => format!("none for {}", facts.target),
        })
        .collect();
    let missing = facts.iter().any(|facts| facts.compiler.is_none());
    let state = match (missing, from_source) {
        (false, _) => CheckState::Ok,
        (true, true) => CheckState::Missing,
        (true, false) => CheckState::NotNeeded,
    };
    let remedy = facts.iter().find_map(|facts| facts.command.clone());
    Check { name: "compiler", state, found: found.join("; "), needed_by: "--build-firmware", remedy }
}

fn probes(facts: &ProbeFacts) -> Check {
    let needed_by = "flash; prove, watch and capture on real boards";
    if !facts.built_in {
        let found =
            "this program has no support for debug probes (feature `probe`); `pinhole flash --out` writes files"
                .to_owned();
        return Check { name: "debug probes", state: CheckState::NotNeeded, found, needed_by, remedy: None };
    }
    let (state, mut found) = reachable(&facts.probes, "no debug probe is plugged in");
    let rules_missing = facts.rules_needed && facts.rules.is_none();
    match &facts.rules {
        Some(rules) => found += &format!("; probe-rs' udev rules: {}", rules.display()),
        None if rules_missing => found += "; probe-rs' udev rules are not installed",
        None => {}
    }
    // Rules are not the only way to get access: root always has it.
    let remedy = match state {
        CheckState::Ok => None,
        CheckState::Missing if !rules_missing => {
            Some("unplug the probe and plug it in again, or log in again".to_owned())
        }
        _ if rules_missing => Some(format!("install the udev rules: {PROBE_SETUP}")),
        _ => None,
    };
    Check { name: "debug probes", state, found, needed_by, remedy }
}

fn serial_ports(facts: &SerialFacts) -> Check {
    let (state, found) = reachable(&facts.ports, "no serial port on USB");
    let join = || "sudo usermod -aG dialout $USER (then log in again)".to_owned();
    let remedy = (state == CheckState::Missing).then(join);
    Check { name: "serial ports", state, found, needed_by: "--port", remedy }
}

/// Returns the state of devices, and their names in words.
fn reachable(devices: &[Reachable], none: &str) -> (CheckState, String) {
    if devices.is_empty() {
        return (CheckState::NotNeeded, none.to_owned());
    }
    let words = devices.iter().map(|device| match device.accessible {
        true => device.name.clone(),
        false => format!("{}: this user has no permission to open it", device.name),
    });
    let words: Vec<String> = words.collect();
    let all = devices.iter().all(|device| device.accessible);
    (if all { CheckState::Ok } else { CheckState::Missing }, words.join("; "))
}

fn gpu(facts: &ProgramFacts) -> Check {
    let (state, found, remedy) = if facts.gpu.is_empty() {
        let remedy = "build with --features cuda (NVIDIA) or --features metal (Apple)".to_owned();
        (CheckState::NotNeeded, "this program trains on the processor alone".to_owned(), Some(remedy))
    } else {
        (CheckState::Ok, format!("built with {}", facts.gpu.join(", ")), None)
    };
    Check { name: "graphics card", state, found, needed_by: "train --device gpu", remedy }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::doctor::FoundEmulator;

    /// A Debian machine with everything installed and nothing connected.
    fn facts() -> Facts {
        Facts {
            program: ProgramFacts {
                version: "1.2.3",
                path: None,
                os: "linux",
                architecture: "x86_64",
                gpu: Vec::new(),
                photo_formats: vec!["jpg", "png"],
            },
            firmware: FirmwareFacts {
                from_source: false,
                prebuilt: BTreeMap::from([("qemu", "abc".to_owned())]),
                compiler: Some("rustc 1.96.0 (abc 2026-05-25)".to_owned()),
                source_digest: Some("def".to_owned()),
                sources: Sources::NoCheckout,
                problem: None,
            },
            emulator: EmulatorFacts {
                found: Some(FoundEmulator {
                    path: "/usr/bin/qemu-system-arm".into(),
                    version: Some("7.2.22".to_owned()),
                    origin: "installed".to_owned(),
                }),
                will_be_copied_to: None,
                problem: None,
                advice: None,
                unusable: Vec::new(),
            },
            cache: Some(CacheFacts {
                path: "/cache".into(),
                exists: true,
                writable: true,
                bytes: 48_100_000,
                leftovers: 0,
            }),
            compilers: vec![CompilerFacts {
                target: "thumbv6m-none-eabi",
                compiler: None,
                command: Some("add".to_owned()),
            }],
            probes: ProbeFacts { probes: Vec::new(), built_in: true, rules_needed: true, rules: None },
            serial_ports: SerialFacts { ports: Vec::new() },
        }
    }

    fn check(facts: &Facts, name: &str) -> Check {
        diagnose(facts).into_iter().find(|check| check.name == name).unwrap()
    }

    #[test]
    fn what_is_not_plugged_in_is_not_missing() {
        let states: Vec<(&str, CheckState)> =
            diagnose(&facts()).iter().map(|check| (check.name, check.state)).collect();
        let expected = [
            ("program", CheckState::Ok),
            ("firmware", CheckState::Ok),
            ("emulator", CheckState::Ok),
            ("cache folder", CheckState::Ok),
            ("compiler", CheckState::NotNeeded),
            ("debug probes", CheckState::NotNeeded),
            ("serial ports", CheckState::NotNeeded),
            ("graphics card", CheckState::NotNeeded),
        ];
        assert_eq!(states, expected);
    }

    #[test]
    fn an_emulator_that_can_be_had_is_not_missing() {
        let mut facts = facts();
        facts.emulator.found = None;
        facts.emulator.will_be_copied_to = Some("/cache/emulator".into());
        let made = check(&facts, "emulator");
        assert_eq!((made.state, made.remedy.as_deref()), (CheckState::OnDemand, Some(FIX)));
        facts.emulator.will_be_copied_to = None;
        facts.emulator.problem = Some("offline".to_owned());
        facts.emulator.advice = Some("go online".to_owned());
        let none = check(&facts, "emulator");
        assert_eq!((none.state, none.remedy.as_deref()), (CheckState::Missing, Some("go online")));
    }

    #[test]
    fn devices_that_may_not_be_opened_are_missing() {
        let mut facts = facts();
        facts.probes.probes = vec![Reachable { name: "probe".to_owned(), accessible: false }];
        facts.serial_ports.ports = vec![Reachable { name: "/dev/ttyACM0".to_owned(), accessible: false }];
        let probes = check(&facts, "debug probes");
        assert_eq!(probes.state, CheckState::Missing);
        assert!(probes.remedy.unwrap().contains(PROBE_SETUP));
        let ports = check(&facts, "serial ports");
        assert_eq!(ports.state, CheckState::Missing);
        assert!(ports.found.contains("/dev/ttyACM0") && ports.remedy.unwrap().contains("dialout"));
        // With access, missing rules do not matter.
        facts.probes.probes[0].accessible = true;
        let probes = check(&facts, "debug probes");
        assert_eq!((probes.state, probes.remedy), (CheckState::Ok, None));
    }

    #[test]
    fn a_compiler_is_missing_only_where_it_is_asked_for() {
        let mut facts = facts();
        facts.firmware.from_source = true;
        facts.firmware.sources = Sources::Unchanged { checkout: "/checkout".into() };
        assert_eq!(check(&facts, "compiler").state, CheckState::Missing);
        assert_eq!(check(&facts, "firmware").state, CheckState::Ok);
        facts.firmware.sources = Sources::NoCheckout;
        assert_eq!(check(&facts, "firmware").state, CheckState::Missing);
    }

    #[test]
    fn changed_sources_are_told_with_the_command() {
        let mut facts = facts();
        facts.firmware.sources = Sources::Changed { checkout: "/checkout".into() };
        let firmware = check(&facts, "firmware");
        assert_eq!((firmware.state, firmware.remedy.as_deref()), (CheckState::Ok, Some("cargo xtask firmware")));
        assert!(firmware.found.contains("/checkout have changed"), "{}", firmware.found);
        facts.firmware.problem = Some("damaged".to_owned());
        assert_eq!(check(&facts, "firmware").state, CheckState::Missing);
    }

    #[test]
    fn a_cache_folder_is_created_on_demand_and_cleaned() {
        let mut facts = facts();
        let with = |facts: &mut Facts, exists, writable, leftovers| {
            facts.cache = Some(CacheFacts { path: "/cache".into(), exists, writable, bytes: 0, leftovers });
            let cache = check(facts, "cache folder");
            (cache.state, cache.remedy.unwrap_or_default())
        };
        assert_eq!(with(&mut facts, false, true, 0), (CheckState::OnDemand, FIX.to_owned()));
        assert_eq!(with(&mut facts, true, true, 2), (CheckState::Ok, FIX.to_owned()));
        let (state, remedy) = with(&mut facts, true, false, 2);
        assert_eq!((state, remedy.as_str()), (CheckState::NotNeeded, ""), "there is an emulator");
        facts.emulator.found = None;
        let (state, remedy) = with(&mut facts, true, false, 2);
        assert!(state == CheckState::Missing && remedy.contains("PINHOLE_CACHE"), "{remedy}");
        facts.cache = None;
        assert_eq!(check(&facts, "cache folder").state, CheckState::Missing);
    }
}
