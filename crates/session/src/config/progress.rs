use otaria_codec::ProgressReport;

/// How far a long statement such as `ALTER TABLE` is, as a server tells while it runs: see
/// [`on_progress`](crate::ConfigBuilder::on_progress).
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Progress {
    /// The stage that runs, from 1.
    pub stage: u8,
    /// How many stages there are.
    pub max_stage: u8,
    /// How much of the stage is done, in thousandths of a percent.
    pub progress: u32,
    /// The stage's name, such as `copy to tmp table`.
    pub info: String,
}

impl Progress {
    /// How much of the stage is done, in percent.
    pub fn percent(&self) -> f64 {
        f64::from(self.progress) / 1000.0
    }
}

impl From<ProgressReport<'_>> for Progress {
    fn from(report: ProgressReport<'_>) -> Self {
        Self {
            stage: report.stage,
            max_stage: report.max_stage,
            progress: report.progress,
            info: String::from_utf8_lossy(report.info).into_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_told_in_percent() {
        let progress = Progress::from(ProgressReport {
            stage: 1,
            max_stage: 2,
            progress: 33_250,
            info: b"copy to tmp table",
        });
        assert!((progress.percent() - 33.25).abs() < f64::EPSILON);
        assert_eq!(progress.info, "copy to tmp table");
    }
}
