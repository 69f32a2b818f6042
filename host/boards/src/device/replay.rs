//! Pictures for a device whose camera is the host: the host's side of [`pinhole_shared::link::replay`].

use std::io::{self, ErrorKind, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use pinhole_core::photos::Picture;
use pinhole_shared::link::replay::{Header, ROW_REQUEST, row_checksum, start_sequence};

/// Serves pictures to a device's replayed camera, on its own thread.
#[derive(Debug)]
pub struct Replay {
    shown: Arc<Mutex<Option<Arc<Picture>>>>,
    thread: Option<JoinHandle<()>>,
}

impl Replay {
    /// Serves the camera on this stream until it ends or fails. Captures fail until [`Replay::show`] is called.
    pub fn serve<S: Read + Write + Send + 'static>(stream: S) -> Self {
        let shown = Arc::new(Mutex::new(None));
        let seen = Arc::clone(&shown);
        let thread = thread::spawn(move || {
            // The end of the stream is the end of the device; the user of the link notices it there.
            let _ = answer_requests(stream, || seen.lock().unwrap_or_else(PoisonError::into_inner).clone());
        });
        Self { shown, thread: Some(thread) }
    }

    /// Shows this picture to every later capture.
    pub fn show(&self, picture: Picture) {
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(picture));
    }

    /// Waits for the thread. Call it when the stream has ended; until then it blocks.
    pub fn join(&mut self) {
        if let Some(thread) = self.thread.take() {
            // A panic there has been printed already, and there is nothing left to save.
            let _ = thread.join();
        }
    }
}

fn answer_requests<S: Read + Write>(mut stream: S, shown: impl Fn() -> Option<Arc<Picture>>) -> io::Result<()> {
    let mut picture = None;
    let mut next_row = 0;
    let mut answer = Vec::new();
    loop {
        let mut request = [0];
        match stream.read(&mut request) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        }
        answer.clear();
        let [request] = request;
        if let Some(sequence) = start_sequence(request) {
            (picture, next_row) = (shown(), 0);
            let header = match &picture {
                Some(picture) => Header { sequence, size: picture.size(), format: picture.format() },
                None => Header::no_picture(sequence),
            };
            answer.extend(header.encode());
        } else if request == ROW_REQUEST
            && let Some(row) = picture.as_ref().and_then(|picture| picture.row(next_row))
        {
            answer.extend(row);
            answer.extend(row_checksum(next_row, row).to_le_bytes());
            next_row += 1;
        }
        stream.write_all(&answer)?;
        stream.flush()?;
    }
}
