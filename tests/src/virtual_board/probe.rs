//! A virtual debug probe: a Cortex-M's debug registers in front of QEMU's gdb stub.
//!
//! A probe controls a core through the registers of its debug block. They are stored here; writes to them become
//! requests to the stub.
//!
//! Source: Arm DDI 0403E, "Armv7-M Architecture Reference Manual", C1.6 (debug registers) and B3.2.6 (AIRCR).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use probe_rs::architecture::arm::ap::CSW;
use probe_rs::architecture::arm::dp::{DpAddress, DpRegisterAddress};
use probe_rs::architecture::arm::memory::ArmMemoryInterface;
use probe_rs::architecture::arm::sequences::ArmDebugSequence;
use probe_rs::architecture::arm::{
    ArmDebugInterface, ArmError, DapAccess, DapProbe, FullyQualifiedApAddress, SwdSequence, SwoAccess, SwoConfig,
};
use probe_rs::probe::{DebugProbe, DebugProbeError, Probe, WireProtocol};
use probe_rs::{Error, MemoryInterface};

use super::BoardFault;
use super::gdb::Gdb;

const AIRCR: u32 = 0xE000_ED0C;
const DHCSR: u32 = 0xE000_EDF0;
const DCRSR: u32 = 0xE000_EDF4;
const DCRDR: u32 = 0xE000_EDF8;
const DEMCR: u32 = 0xE000_EDFC;
/// Address range of the core's own registers.
const PRIVATE: std::ops::Range<u32> = 0xE000_0000..0xE010_0000;

const AIRCR_KEY: u32 = 0x05FA << 16;
const AIRCR_RESET: u32 = 1 << 2;
const DHCSR_KEY: u32 = 0xA05F << 16;
const DHCSR_HALT: u32 = 1 << 1;
const DHCSR_STEP: u32 = 1 << 2;
const DHCSR_REGISTER_READY: u32 = 1 << 16;
const DHCSR_HALTED: u32 = 1 << 17;
const DCRSR_WRITE: u32 = 1 << 16;
const DCRSR_NUMBER: u32 = 0x7F;
const DEMCR_CATCH_RESET: u32 = 1;

/// The probe, not yet attached.
#[derive(Debug)]
pub(super) struct VirtualProbe {
    pub(super) socket: PathBuf,
    pub(super) fault: Option<BoardFault>,
    pub(super) speed_khz: u32,
}

impl DebugProbe for VirtualProbe {
    fn get_name(&self) -> &str {
        super::PROBE_NAME
    }

    fn speed_khz(&self) -> u32 {
        self.speed_khz
    }

    fn set_speed(&mut self, speed_khz: u32) -> Result<u32, DebugProbeError> {
        self.speed_khz = speed_khz;
        Ok(speed_khz)
    }

    fn attach(&mut self) -> Result<(), DebugProbeError> {
        Ok(())
    }

    fn detach(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn target_reset(&mut self) -> Result<(), DebugProbeError> {
        Err(DebugProbeError::CommandNotSupportedByProbe { command_name: "target_reset" })
    }

    fn target_reset_assert(&mut self) -> Result<(), DebugProbeError> {
        Err(DebugProbeError::CommandNotSupportedByProbe { command_name: "target_reset_assert" })
    }

    fn target_reset_deassert(&mut self) -> Result<(), DebugProbeError> {
        Err(DebugProbeError::CommandNotSupportedByProbe { command_name: "target_reset_deassert" })
    }

    fn select_protocol(&mut self, _: WireProtocol) -> Result<(), DebugProbeError> {
        Ok(())
    }

    fn active_protocol(&self) -> Option<WireProtocol> {
        Some(WireProtocol::Swd)
    }

    fn has_arm_interface(&self) -> bool {
        true
    }

    fn try_get_arm_debug_interface<'probe>(
        self: Box<Self>,
        _: Arc<dyn ArmDebugSequence>,
    ) -> Result<Box<dyn ArmDebugInterface + 'probe>, (Box<dyn DebugProbe>, ArmError)> {
        match Chip::attach(&self.socket) {
            Ok(chip) => Ok(Box::new(Interface { probe: self, chip, port: None })),
            Err(error) => Err((self, failed(error))),
        }
    }

    fn into_probe(self: Box<Self>) -> Box<dyn DebugProbe> {
        self
    }
}

/// The chip behind the probe.
struct Chip {
    gdb: Gdb,
    /// Last values written to registers of the core.
    registers: BTreeMap<u32, u32>,
}

impl Chip {
    /// Attaches and lets the chip continue.
    fn attach(socket: &Path) -> io::Result<Self> {
        let mut chip = Self { gdb: Gdb::connect(socket)?, registers: BTreeMap::new() };
        chip.run()?;
        Ok(chip)
    }

    /// Runs, unless the flash is empty: a real core would lock up, and QEMU ends.
    fn run(&mut self) -> io::Result<()> {
        let mut reset_vector = [0; 4];
        self.gdb.read(4, &mut reset_vector)?;
        if reset_vector == [0; 4] { Ok(()) } else { self.gdb.run() }
    }

    fn register(&self, address: u32) -> u32 {
        self.registers.get(&address).copied().unwrap_or(0)
    }

    fn read_word(&mut self, address: u32) -> io::Result<u32> {
        match address {
            DHCSR => {
                let halted = if self.gdb.runs() { 0 } else { DHCSR_HALTED };
                Ok(self.register(DHCSR) & 0xFFFF | DHCSR_REGISTER_READY | halted)
            }
            _ => Ok(self.register(address)),
        }
    }

    fn write_word(&mut self, address: u32, value: u32) -> io::Result<()> {
        match address {
            DHCSR if value & 0xFFFF_0000 == DHCSR_KEY => {
                self.registers.insert(DHCSR, value);
                if value & DHCSR_HALT != 0 {
                    self.gdb.halt()
                } else if value & DHCSR_STEP != 0 {
                    self.gdb.step()
                } else {
                    self.run()
                }
            }
            DHCSR => Ok(()),
            DCRSR if value & DCRSR_WRITE != 0 => self.gdb.write_register(value & DCRSR_NUMBER, self.register(DCRDR)),
            DCRSR => {
                let read = self.gdb.read_register(value & DCRSR_NUMBER)?;
                self.registers.insert(DCRDR, read);
                Ok(())
            }
            AIRCR if value & 0xFFFF_0000 == AIRCR_KEY && value & AIRCR_RESET != 0 => {
                self.gdb.reset()?;
                if self.register(DEMCR) & DEMCR_CATCH_RESET == 0 { self.run() } else { Ok(()) }
            }
            _ => {
                self.registers.insert(address, value);
                Ok(())
            }
        }
    }
}

/// The probe, attached.
struct Interface {
    probe: Box<VirtualProbe>,
    chip: Chip,
    port: Option<DpAddress>,
}

impl fmt::Debug for Interface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interface").field("probe", &self.probe).finish_non_exhaustive()
    }
}

impl ArmDebugInterface for Interface {
    fn reinitialize(&mut self) -> Result<(), ArmError> {
        Ok(())
    }

    fn access_ports(&mut self, port: DpAddress) -> Result<BTreeSet<FullyQualifiedApAddress>, ArmError> {
        Ok(BTreeSet::from([FullyQualifiedApAddress::v1_with_dp(port, 0)]))
    }

    fn close(self: Box<Self>) -> Probe {
        Probe::from_specific_probe(self.probe)
    }

    fn select_debug_port(&mut self, port: DpAddress) -> Result<(), ArmError> {
        match self.probe.fault {
            // The error that probe-rs reports for an nRF52840 with a protected access port.
            Some(BoardFault::Locked) => Err(ArmError::MissingPermissions("erase_all".to_owned())),
            Some(BoardFault::Silent) => Err(ArmError::NoTargetResponse { source: Box::new(ArmError::Timeout) }),
            None => {
                self.port = Some(port);
                Ok(())
            }
        }
    }

    fn current_debug_port(&self) -> Option<DpAddress> {
        self.port
    }

    fn memory_interface(
        &mut self,
        port: &FullyQualifiedApAddress,
    ) -> Result<Box<dyn ArmMemoryInterface + '_>, ArmError> {
        Ok(Box::new(Memory { interface: self, port: port.clone() }))
    }
}

impl SwdSequence for Interface {
    fn swj_sequence(&mut self, _: u8, _: u64) -> Result<(), DebugProbeError> {
        Err(DebugProbeError::CommandNotSupportedByProbe { command_name: "swj_sequence" })
    }

    fn swj_pins(&mut self, _: u32, _: u32, _: u32) -> Result<u32, DebugProbeError> {
        Err(DebugProbeError::CommandNotSupportedByProbe { command_name: "swj_pins" })
    }
}

impl SwoAccess for Interface {
    fn enable_swo(&mut self, _: &SwoConfig) -> Result<(), ArmError> {
        Err(ArmError::NotImplemented("trace"))
    }

    fn disable_swo(&mut self) -> Result<(), ArmError> {
        Err(ArmError::NotImplemented("trace"))
    }

    fn read_swo_timeout(&mut self, _: Duration) -> Result<Vec<u8>, ArmError> {
        Err(ArmError::NotImplemented("trace"))
    }
}

impl DapAccess for Interface {
    fn read_raw_dp_register(&mut self, _: DpAddress, _: DpRegisterAddress) -> Result<u32, ArmError> {
        Err(ArmError::NotImplemented("a debug port's registers"))
    }

    fn write_raw_dp_register(&mut self, _: DpAddress, _: DpRegisterAddress, _: u32) -> Result<(), ArmError> {
        Err(ArmError::NotImplemented("a debug port's registers"))
    }

    fn read_raw_ap_register(&mut self, _: &FullyQualifiedApAddress, _: u64) -> Result<u32, ArmError> {
        Err(ArmError::NotImplemented("an access port's registers"))
    }

    fn read_raw_ap_register_repeated(
        &mut self,
        _: &FullyQualifiedApAddress,
        _: u64,
        _: &mut [u32],
    ) -> Result<(), ArmError> {
        Err(ArmError::NotImplemented("an access port's registers"))
    }

    fn write_raw_ap_register(&mut self, _: &FullyQualifiedApAddress, _: u64, _: u32) -> Result<(), ArmError> {
        Err(ArmError::NotImplemented("an access port's registers"))
    }

    fn write_raw_ap_register_repeated(
        &mut self,
        _: &FullyQualifiedApAddress,
        _: u64,
        _: &[u32],
    ) -> Result<(), ArmError> {
        Err(ArmError::NotImplemented("an access port's registers"))
    }

    fn try_dap_probe(&self) -> Option<&dyn DapProbe> {
        None
    }

    fn try_dap_probe_mut(&mut self) -> Option<&mut dyn DapProbe> {
        None
    }
}

/// The chip's memory.
struct Memory<'i> {
    interface: &'i mut Interface,
    port: FullyQualifiedApAddress,
}

impl Memory<'_> {
    fn read_bytes(&mut self, address: u64, bytes: &mut [u8]) -> Result<(), ArmError> {
        let address = address32(address)?;
        let chip = &mut self.interface.chip;
        if !PRIVATE.contains(&address) {
            return chip.gdb.read(address, bytes).map_err(failed);
        }
        for (word, address) in bytes.chunks_mut(4).zip((address..).step_by(4)) {
            let value = chip.read_word(address).map_err(failed)?.to_le_bytes();
            word.copy_from_slice(value.get(..word.len()).unwrap_or_default());
        }
        Ok(())
    }

    fn write_bytes(&mut self, address: u64, bytes: &[u8]) -> Result<(), ArmError> {
        let address = address32(address)?;
        let chip = &mut self.interface.chip;
        if !PRIVATE.contains(&address) {
            return chip.gdb.write(address, bytes).map_err(failed);
        }
        let (words, []) = bytes.as_chunks() else { return Err(ArmError::UnsupportedTransferWidth(bytes.len())) };
        for (&word, address) in words.iter().zip((address..).step_by(4)) {
            chip.write_word(address, u32::from_le_bytes(word)).map_err(failed)?;
        }
        Ok(())
    }
}

impl MemoryInterface<ArmError> for Memory<'_> {
    fn supports_native_64bit_access(&mut self) -> bool {
        false
    }

    fn read_64(&mut self, _: u64, _: &mut [u64]) -> Result<(), ArmError> {
        Err(ArmError::UnsupportedTransferWidth(64))
    }

    fn read_32(&mut self, address: u64, words: &mut [u32]) -> Result<(), ArmError> {
        let mut bytes = vec![0; 4 * words.len()];
        self.read_bytes(address, &mut bytes)?;
        for (word, &bytes) in words.iter_mut().zip(bytes.as_chunks().0) {
            *word = u32::from_le_bytes(bytes);
        }
        Ok(())
    }

    fn read_16(&mut self, address: u64, halves: &mut [u16]) -> Result<(), ArmError> {
        let mut bytes = vec![0; 2 * halves.len()];
        self.read_bytes(address, &mut bytes)?;
        for (half, &bytes) in halves.iter_mut().zip(bytes.as_chunks().0) {
            *half = u16::from_le_bytes(bytes);
        }
        Ok(())
    }

    fn read_8(&mut self, address: u64, bytes: &mut [u8]) -> Result<(), ArmError> {
        self.read_bytes(address, bytes)
    }

    fn write_64(&mut self, _: u64, _: &[u64]) -> Result<(), ArmError> {
        Err(ArmError::UnsupportedTransferWidth(64))
    }

    fn write_32(&mut self, address: u64, words: &[u32]) -> Result<(), ArmError> {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        self.write_bytes(address, &bytes)
    }

    fn write_16(&mut self, address: u64, halves: &[u16]) -> Result<(), ArmError> {
        let bytes: Vec<u8> = halves.iter().flat_map(|half| half.to_le_bytes()).collect();
        self.write_bytes(address, &bytes)
    }

    fn write_8(&mut self, address: u64, bytes: &[u8]) -> Result<(), ArmError> {
        self.write_bytes(address, bytes)
    }

    fn supports_8bit_transfers(&self) -> Result<bool, ArmError> {
        Ok(true)
    }

    fn flush(&mut self) -> Result<(), ArmError> {
        Ok(())
    }
}

impl ArmMemoryInterface for Memory<'_> {
    fn fully_qualified_address(&self) -> FullyQualifiedApAddress {
        self.port.clone()
    }

    fn base_address(&mut self) -> Result<u64, ArmError> {
        Err(ArmError::NotImplemented("the table of debug components"))
    }

    fn get_arm_debug_interface(&mut self) -> Result<&mut dyn ArmDebugInterface, DebugProbeError> {
        Ok(self.interface)
    }

    fn generic_status(&mut self) -> Result<CSW, ArmError> {
        Err(ArmError::NotImplemented("an access port's registers"))
    }
}

fn address32(address: u64) -> Result<u32, ArmError> {
    u32::try_from(address).map_err(|_| ArmError::AddressOutOf32BitAddressSpace)
}

fn failed(error: io::Error) -> ArmError {
    ArmError::Other(format!("the emulator: {error}"))
}
