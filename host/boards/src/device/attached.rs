//! A device that runs on its own and is reached over a link.

use std::time::Duration;

use pinhole_core::inference::Inference;
use pinhole_shared::link::{Identity, Report, Statistics};
use pinhole_shared::policy::Policy;

use super::logs::Logs;
use super::transport::Transport;
use super::{Client, ClientError, InferenceDevice, InferenceDeviceError, LogLine, Stop};

/// Longest silence of a working device: its camera may take that long to start. [`Client`] says what follows from it.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(12);

/// An attached device that runs on its own. Its log is available if the way to it carries one.
pub struct AttachedDevice {
    client: Client<Box<dyn Transport>>,
    logs: Option<Logs>,
    identity: Identity,
}

/// Error: the device does not identify itself.
#[derive(Debug)]
pub(crate) struct Silent {
    pub(crate) error: ClientError,
    /// The last line of its log, if there is one.
    #[cfg_attr(not(feature = "probe"), expect(dead_code, reason = "only a debug probe carries a log"))]
    pub(crate) last_words: Option<LogLine>,
}

impl AttachedDevice {
    /// Asks a device for its identity.
    ///
    /// # Errors
    /// [`Silent`]. A device that has just started, or was cut off in the middle of an answer, is asked twice.
    pub(crate) fn new(mut transport: Box<dyn Transport>, logs: Option<Logs>) -> Result<Self, Silent> {
        transport.discard();
        let mut client = Client::new(transport, ANSWER_TIMEOUT);
        let identity = client.identify().or_else(|error| match error {
            ClientError::Frame(_) | ClientError::OutOfTurn(_) | ClientError::Refused(_) => client.identify(),
            error => Err(error),
        });
        match identity {
            Ok(identity) => Ok(Self { client, logs, identity }),
            Err(error) => {
                drop(client);
                let last_words = logs.and_then(|mut logs| {
                    logs.join();
                    logs.last_line()
                });
                Err(Silent { error, last_words })
            }
        }
    }

    /// Ends the connection and returns the device's identity. Every line of the log that has been read is passed on before.
    pub fn into_identity(self) -> Identity {
        let Self { client, logs, identity } = self;
        // The log ends with its writer, which is in the client's transport.
        drop(client);
        if let Some(mut logs) = logs {
            logs.join();
        }
        identity
    }

    /// Connects to a device on any stream whose waits have a timeout. The device has no log.
    ///
    /// # Errors
    /// [`InferenceDeviceError::Request`].
    pub fn on(transport: Box<dyn Transport>) -> Result<Self, InferenceDeviceError> {
        Ok(Self::new(transport, None).map_err(|silent| silent.error)?)
    }

    /// Returns true if the device's log can be read.
    pub fn has_log(&self) -> bool {
        self.logs.is_some()
    }
}

impl InferenceDevice for AttachedDevice {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn classify(&mut self, input: &[u8], report: Report) -> Result<Inference, InferenceDeviceError> {
        self.client.send_input(input)?;
        Ok(self.client.classify(report)?)
    }

    fn capture(&mut self, report: Report) -> Result<Inference, InferenceDeviceError> {
        Ok(self.client.capture(report)?)
    }

    fn policy(&mut self) -> Result<Policy, InferenceDeviceError> {
        Ok(self.client.policy()?)
    }

    fn set_policy(&mut self, policy: Policy) -> Result<(), InferenceDeviceError> {
        Ok(self.client.set_policy(policy)?)
    }

    fn statistics(&mut self) -> Result<Statistics, InferenceDeviceError> {
        Ok(self.client.statistics()?)
    }

    fn logs(&mut self) -> Vec<LogLine> {
        self.client.exchange.stream.tend();
        self.logs.as_ref().map(Logs::lines).unwrap_or_default()
    }

    fn stop(&self) -> Stop {
        self.client.stop()
    }

    fn is_lossy(&self) -> bool {
        true
    }
}

impl std::fmt::Debug for AttachedDevice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AttachedDevice").field("identity", &self.identity).finish_non_exhaustive()
    }
}
