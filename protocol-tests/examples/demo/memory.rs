//! How much memory a process takes at its peak.

use std::fs;

/// The peak as it stands when something begins.
#[derive(Debug)]
pub struct PeakMemory {
    before_kib: Option<u64>,
}

impl PeakMemory {
    /// Begins to watch.
    pub fn start() -> Self {
        // A peak of before would hide what comes: 5 sets it back to what is in use. Where that is
        // not allowed, the peak is that of the whole process.
        let _ = fs::write("/proc/self/clear_refs", "5");
        Self {
            before_kib: peak_kib(),
        }
    }

    /// The peak, and how far it lies above that of the beginning.
    pub fn grown(&self) -> String {
        match (self.before_kib, peak_kib()) {
            (Some(before), Some(after)) => format!(
                "{after} KiB at the peak, {} KiB more than after connecting",
                after.saturating_sub(before)
            ),
            _ => "not known, there is no /proc/self/status".to_owned(),
        }
    }
}

fn peak_kib() -> Option<u64> {
    peak_in("/proc/self/status")
}

/// The peak of another process so far, in KiB.
pub fn peak_of(process_id: u32) -> Option<u64> {
    peak_in(&format!("/proc/{process_id}/status"))
}

fn peak_in(path: &str) -> Option<u64> {
    let status = fs::read_to_string(path).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line?.trim().strip_suffix(" kB")?.parse().ok()
}
