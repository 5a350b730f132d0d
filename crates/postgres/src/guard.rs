//! Bounds on what a scratch server may take: time, and room for its files.

use std::fmt;
use std::fs;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How often the size of the files is looked at.
const PAUSE: Duration = Duration::from_millis(250);

/// What may be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// From now on.
    pub time: Duration,
    /// By all files of the server, in bytes.
    pub disk: u64,
}

impl Limits {
    /// This much time, and four gigabytes.
    pub fn of(time: Duration) -> Self {
        Self { time, disk: 4 << 30 }
    }
}

/// What was taken too much of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exceeded {
    /// Time: this much was allowed, and these statements were running.
    Time(Duration, Vec<String>),
    /// Room for files, in bytes.
    Disk(u64),
}

impl fmt::Display for Exceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time(most, running) => {
                write!(f, "it took longer than {} s and was ended", most.as_secs_f64())?;
                running.iter().try_for_each(|statement| write!(f, "\n  running was: {statement}"))
            }
            Self::Disk(most) => write!(f, "its files took more than {} MB and it was ended", most >> 20),
        }
    }
}

/// Ends a server that takes more than it may, as long as this value lives.
pub struct Guard {
    stop: Option<Sender<()>>,
    watcher: Option<JoinHandle<()>>,
    exceeded: Arc<OnceLock<Exceeded>>,
}

impl Guard {
    /// Watches. `size` says how large the files are, where that is known, `running` what is being done, and `end` ends it.
    pub fn start(
        limits: Limits,
        size: impl Fn() -> u64 + Send + 'static,
        running: impl Fn() -> Vec<String> + Send + 'static,
        end: impl Fn() + Send + 'static,
    ) -> Self {
        let (stop, stopped) = channel();
        let exceeded = Arc::new(OnceLock::new());
        let found = Arc::clone(&exceeded);
        let watcher = thread::spawn(move || {
            let Some(what) = watch(limits, &stopped, &size, &running) else { return };
            let _ = found.set(what);
            end();
        });
        Self { stop: Some(stop), watcher: Some(watcher), exceeded }
    }

    /// What was exceeded so far: why nothing answers any more.
    pub fn exceeded(&self) -> Option<Exceeded> {
        self.exceeded.get().cloned()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(watcher) = self.watcher.take() {
            let _ = watcher.join();
        }
    }
}

fn watch(
    limits: Limits,
    stopped: &Receiver<()>,
    size: &dyn Fn() -> u64,
    running: &dyn Fn() -> Vec<String>,
) -> Option<Exceeded> {
    let start = Instant::now();
    loop {
        let left = limits.time.saturating_sub(start.elapsed());
        if left.is_zero() {
            return Some(Exceeded::Time(limits.time, running()));
        }
        match stopped.recv_timeout(left.min(PAUSE)) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return None,
        }
        if size() > limits.disk {
            return Some(Exceeded::Disk(limits.disk));
        }
    }
}

/// The size of all files below a folder. What goes meanwhile counts for nothing.
pub(crate) fn size(dir: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let sizes = entries.filter_map(|entry| {
        let meta = entry.metadata().ok()?;
        // A hole takes no room.
        Some(if meta.is_dir() { size(&entry.path()) } else { meta.blocks() * 512 })
    });
    sizes.sum()
}
