use std::env;
use std::fmt;
use std::num::ParseIntError;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use crate::Workload;

/// What a program is to do: its arguments and the server of `OTARIA_BENCH_URL`.
#[derive(Clone)]
pub struct Task {
    /// The URL of the schema that holds the tables.
    pub url: String,
    /// What is done.
    pub workload: Workload,
    /// How many rows or queries.
    pub count: u32,
}

impl Task {
    /// Reads `WORKLOAD COUNT` from arguments.
    pub fn from_arguments(mut arguments: impl Iterator<Item = String>) -> Result<Self, TaskError> {
        let workload = arguments.next().ok_or(TaskError::Usage)?;
        let count = arguments.next().ok_or(TaskError::Usage)?;
        Ok(Self {
            url: env::var(URL).map_err(|_| TaskError::Url)?,
            workload: workload
                .parse()
                .map_err(|()| TaskError::Workload(workload))?,
            count: count.parse()?,
        })
    }
}

/// Without the URL, which has a password in it.
impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Task({} {})", self.workload.name(), self.count)
    }
}

/// Arguments that are none.
#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    /// One is missing.
    #[error("usage: WORKLOAD COUNT")]
    Usage,
    /// There is no server.
    #[error("OTARIA_BENCH_URL names no server")]
    Url,
    /// There is no such workload.
    #[error("there is no workload {0}")]
    Workload(String),
    /// The count is no number.
    #[error("the count is no number")]
    Count(#[from] ParseIntError),
}

/// How long something took. [`Display`](fmt::Display) shows it as the runner reads it: nanoseconds
/// on the wall, nanoseconds of the processor.
#[derive(Clone, Copy, Debug)]
pub struct Measure {
    wall: Duration,
    processor: Duration,
}

impl Measure {
    /// Measures a call.
    pub fn of<T>(call: impl FnOnce() -> T) -> (Self, T) {
        let (start, processor) = (Instant::now(), processor_time());
        let result = call();
        let measure = Self {
            wall: start.elapsed(),
            processor: processor_time().saturating_sub(processor),
        };
        (measure, result)
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.wall.as_nanos(), self.processor.as_nanos())
    }
}

/// The processor time of this process until now.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

/// The variable that says where the tables are.
pub const URL: &str = "OTARIA_BENCH_URL";
