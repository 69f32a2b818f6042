//! A device that runs on its own and is talked to over a link.

use std::time::Duration;

use pinhole_core::inference::Inference;
use pinhole_shared::link::{Identity, Report, Statistics};
use pinhole_shared::policy::Policy;

use super::logs::Logs;
use super::transport::Transport;
use super::{Client, ClientError, LogLine};

/// Longest silence of a device that works: its camera may take that long to start.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(12);

/// A device on its own, attached by its link; its log comes with it where the way to it carries one.
pub struct AttachedDevice {
    client: Client<Box<dyn Transport>>,
    logs: Option<Logs>,
    identity: Identity,
    repeated: u32,
}

/// A device that does not say who it is.
#[derive(Debug)]
pub(crate) struct Silent {
    pub(crate) error: ClientError,
    /// The last line of its log, if there is one.
    #[cfg_attr(not(feature = "probe"), expect(dead_code, reason = "only a debug probe carries a log"))]
    pub(crate) last_words: Option<LogLine>,
}

/// How often something is tried that may do better the next time.
const TRIES: u32 = 4;

impl AttachedDevice {
    /// Asks a device who it is.
    ///
    /// # Errors
    /// [`Silent`]. A device that has just started, or was cut off in the middle of an answer, is asked twice.
    pub(crate) fn new(mut transport: Box<dyn Transport>, logs: Option<Logs>) -> Result<Self, Silent> {
        let last_words = || logs.as_ref().and_then(|logs| logs.lines().pop());
        if let Err(error) = transport.set_timeout(ANSWER_TIMEOUT) {
            return Err(Silent { error: ClientError::Stream(error), last_words: last_words() });
        }
        transport.discard();
        let mut client = Client::new(transport);
        let identity = client.identify().or_else(|error| match error {
            ClientError::Frame(_) | ClientError::OutOfTurn(_) | ClientError::Refused(_) => client.identify(),
            error => Err(error),
        });
        let identity = identity.map_err(|error| Silent { error, last_words: last_words() })?;
        Ok(Self { client, logs, identity, repeated: 0 })
    }

    /// A device on any stream that waits no longer than some timeout. It has no log.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn on(transport: Box<dyn Transport>) -> Result<Self, ClientError> {
        Self::new(transport, None).map_err(|silent| silent.error)
    }

    /// Who the device is and what it runs.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Sends an input (all bytes of it, row by row) and has it classified.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn classify(&mut self, input: &[u8], report: Report) -> Result<Inference, ClientError> {
        self.client.send_input(input)?;
        self.client.classify(report)
    }

    /// Has the device look through its camera and classify what it sees.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn capture(&mut self, report: Report) -> Result<Inference, ClientError> {
        self.client.capture(report)
    }

    /// Does something with the device, and again where bytes got lost on the way or its camera failed: four times at most.
    ///
    /// # Errors
    /// The last try's.
    pub fn patiently<T>(
        &mut self,
        mut action: impl FnMut(&mut Self) -> Result<T, ClientError>,
    ) -> Result<T, ClientError> {
        for _ in 1..TRIES {
            match action(self) {
                Err(error) if error.is_passing() => self.repeated += 1,
                result => return result,
            }
        }
        action(self)
    }

    /// How often something had to be done again so far.
    pub fn repeated(&self) -> u32 {
        self.repeated
    }

    /// When the device's decisions are answers.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn policy(&mut self) -> Result<Policy, ClientError> {
        self.client.policy()
    }

    /// Has the device answer by this policy until it is reset, and forget the frames captured before.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn set_policy(&mut self, policy: Policy) -> Result<(), ClientError> {
        self.client.set_policy(policy)
    }

    /// The device's counters.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn statistics(&mut self) -> Result<Statistics, ClientError> {
        self.client.statistics()
    }

    /// Whether its log can be seen.
    pub fn has_log(&self) -> bool {
        self.logs.is_some()
    }

    /// The device's log so far. A line may arrive a moment after the answer it belongs to.
    pub fn logs(&mut self) -> Vec<LogLine> {
        self.client.stream.tend();
        self.logs.as_ref().map(Logs::lines).unwrap_or_default()
    }
}

impl std::fmt::Debug for AttachedDevice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AttachedDevice").field("identity", &self.identity).finish_non_exhaustive()
    }
}
