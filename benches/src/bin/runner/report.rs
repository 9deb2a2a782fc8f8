use std::env;
use std::error::Error;
use std::iter;
use std::path::{Path, PathBuf};

use crate::options::{LEAST_ROWS, Options};
use crate::program::{Counts, Measured, Program};
use crate::table::{grouped, table};

/// Runs the programs and prints what they cost.
#[derive(Debug)]
pub struct Report {
    /// Where cargo puts the programs: a folder a profile.
    target: PathBuf,
    peers: Option<PathBuf>,
    rows: u32,
    url: String,
}

impl Report {
    /// A report on the tables at `url`. The programs are those of the profiles beside this one's.
    pub fn new(options: &Options, url: String) -> Result<Self, Box<dyn Error>> {
        let program = env::current_exe()?;
        let target = program
            .ancestors()
            .nth(2)
            .ok_or("this program is in no target folder")?;
        Ok(Self {
            target: target.to_owned(),
            peers: options.peers.clone(),
            rows: options.rows,
            url,
        })
    }

    /// Counts, and prints as it goes.
    pub fn print(&self) -> Result<(), Box<dyn Error>> {
        self.instructions()?;
        self.system_calls()?;
        self.batch()?;
        if let Some(peers) = &self.peers {
            self.peers(peers)?;
        }
        Ok(())
    }

    fn instructions(&self) -> Result<(), Box<dyn Error>> {
        println!("\nInstructions, by callgrind: the difference of two lengths.\n");
        let mut rows = Vec::new();
        for counted in COUNTED {
            let cost = |profile: &str| {
                let path = self.target.join(profile).join(counted.program);
                let program = Program::new(path, counted.arguments, &self.url);
                program.instructions(counted.counts).map(grouped)
            };
            let goal = counted.goal.map(|goal| format!("≤ {}", grouped(goal)));
            rows.push(vec![
                counted.name.to_owned(),
                cost(THIN)?,
                cost(RELEASE)?,
                goal.unwrap_or_default(),
            ]);
        }
        println!(
            "{}",
            table(&["Otaria", "thin LTO", "no LTO", "goal"], &rows)
        );
        Ok(())
    }

    fn system_calls(&self) -> Result<(), Box<dyn Error>> {
        let path = self.target.join(RELEASE).join(WORKLOAD);
        for workload in ["point", "point_held"] {
            let program = Program::new(path.clone(), &[workload], &self.url);
            let calls = program.system_calls(POINTS)?;
            let calls = calls
                .iter()
                .map(|(name, calls)| format!("{name} {calls:.2}"));
            let calls = calls.collect::<Vec<_>>().join(", ");
            println!("System calls a query of {workload}: {calls}.");
        }
        println!();
        Ok(())
    }

    fn batch(&self) -> Result<(), Box<dyn Error>> {
        let path = self.target.join(RELEASE).join("batch");
        let program = Program::new(path, &[BATCH_ROWS], &self.url);
        println!("{} (goal: ≥ 0.7).\n", program.said(BATCH_ROUNDS)?);
        Ok(())
    }

    fn peers(&self, path: &Path) -> Result<(), Box<dyn Error>> {
        println!(
            "Beside its peers, in one program, with thin LTO; times are medians of {ROUNDS} runs.\n"
        );
        for (workload, unit, counts, count) in [
            ("scan_plain", "row", SCANS, self.rows),
            ("scan_bin", "row", SCANS, self.rows),
            ("point", "query", POINTS, MEASURED_POINTS),
        ] {
            let programs: Vec<Program> = PEERS
                .iter()
                .map(|peer| Program::new(path.to_owned(), &[peer, workload], &self.url))
                .collect();
            let mut runs = vec![Vec::new(); PEERS.len()];
            for _ in 0..ROUNDS {
                for (program, runs) in iter::zip(&programs, &mut runs) {
                    runs.push(program.measure(count)?);
                }
            }
            agree(&runs)?;
            let mut rows = Vec::new();
            for ((peer, program), runs) in iter::zip(iter::zip(PEERS, &programs), &runs) {
                rows.push(vec![
                    peer.to_owned(),
                    grouped(program.instructions(counts)?),
                    median(runs, |run| run.processor.as_secs_f64()),
                    median(runs, |run| run.wall.as_secs_f64()),
                ]);
            }
            let head = format!("{workload}, {}", grouped(count.into()));
            let instructions = format!("instructions a {unit}");
            println!(
                "{}",
                table(&[&head, &instructions, "processor s", "wall s"], &rows)
            );
        }
        Ok(())
    }
}

/// What one line of the table of instructions counts.
struct Counted {
    name: &'static str,
    program: &'static str,
    arguments: &'static [&'static str],
    counts: Counts,
    goal: Option<f64>,
}

/// Whoever read other values than the others did not do the same work.
fn agree(runs: &[Vec<Measured>]) -> Result<(), String> {
    let sums = iter::zip(PEERS, runs).filter(|(peer, _)| *peer != FLOOR);
    let mut sums = sums.flat_map(|(peer, runs)| runs.iter().map(move |run| (peer, run.sum)));
    let Some((first, sum)) = sums.next() else {
        return Ok(());
    };
    match sums.find(|(_, other)| *other != sum) {
        None => Ok(()),
        Some((peer, other)) => Err(format!(
            "{first} has read values of the sum {sum}, {peer} of {other}"
        )),
    }
}

fn median(runs: &[Measured], seconds: impl Fn(&Measured) -> f64) -> String {
    let mut seconds: Vec<f64> = runs.iter().map(seconds).collect();
    seconds.sort_by(f64::total_cmp);
    let median = seconds.get(seconds.len() / 2);
    median
        .map(|seconds| format!("{seconds:.3}"))
        .unwrap_or_default()
}

const THIN: &str = "thin";
const RELEASE: &str = "release";
const WORKLOAD: &str = "otaria_workload";

const PEERS: [&str; 6] = [
    FLOOR,
    "otaria",
    "qusql-mysql",
    "zero-mysql",
    "sqlx",
    "mysql_async",
];

/// The one that looks at no value.
const FLOOR: &str = "floor";

const SCANS: Counts = Counts {
    fewer: 2_000,
    more: LEAST_ROWS,
};
const POINTS: Counts = Counts {
    fewer: 500,
    more: 3_500,
};

/// Queries enough for times to be more than noise.
const MEASURED_POINTS: u32 = 20_000;

const ROUNDS: usize = 3;

const BATCH_ROWS: &str = "100000";
const BATCH_ROUNDS: u32 = 5;

const COUNTED: [Counted; 11] = [
    Counted {
        name: "9 columns, a row, by Chunk::read",
        program: WORKLOAD,
        arguments: &["scan_plain"],
        counts: SCANS,
        goal: Some(400.0),
    },
    Counted {
        name: "9 columns, a row, by Row::read out of a Chunk",
        program: WORKLOAD,
        arguments: &["scan_rows"],
        counts: SCANS,
        goal: Some(400.0),
    },
    Counted {
        name: "9 columns, a row, by Rows::next",
        program: WORKLOAD,
        arguments: &["scan_next"],
        counts: SCANS,
        goal: None,
    },
    Counted {
        name: "16 columns, a row, by Chunk::read",
        program: WORKLOAD,
        arguments: &["scan_bin"],
        counts: SCANS,
        goal: None,
    },
    Counted {
        name: "point query, by query_one",
        program: WORKLOAD,
        arguments: &["point"],
        counts: POINTS,
        goal: Some(4_200.0),
    },
    Counted {
        name: "point query, by query_one with a Statement",
        program: WORKLOAD,
        arguments: &["point_held"],
        counts: POINTS,
        goal: Some(3_300.0),
    },
    Counted {
        name: "point query, by query_one on a connection of a pool",
        program: WORKLOAD,
        arguments: &["pool"],
        counts: POINTS,
        goal: None,
    },
    Counted {
        name: "point query, by the pool's query_one",
        program: WORKLOAD,
        arguments: &["pool_verb"],
        counts: POINTS,
        goal: None,
    },
    Counted {
        name: "execute_batch, 3 columns, a row",
        program: WORKLOAD,
        arguments: &["batch"],
        counts: SCANS,
        goal: None,
    },
    Counted {
        name: "9 columns out of memory, &str, a row",
        program: "decode9",
        arguments: &["str"],
        counts: SCANS,
        goal: None,
    },
    Counted {
        name: "9 columns out of memory, &[u8], a row",
        program: "decode9",
        arguments: &["bytes"],
        counts: SCANS,
        goal: None,
    },
];
