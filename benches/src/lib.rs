//! What the programs that are counted share: the workloads, the rows that one of them reads out of
//! memory, and Otaria's own way through the workloads.

pub mod batch;
pub mod driver;
pub mod floor;
pub mod lineitem;
mod task;
mod workload;

pub use task::{Measure, Task, TaskError, URL};
pub use workload::{POINT, Sum, Workload, point_key, scan_bin, scan_plain};
