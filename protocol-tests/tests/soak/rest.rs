//! The rest behind a round: nothing of it is left, and what is written is what calls were told.

use std::time::Duration;

use protocol_tests::traces::Watch;
use tokio::time::{Instant, sleep};

use super::Soak;
use super::lanes::{POOL_SIZE, STATEMENTS};
use super::vitals::{Series, Vitals};

impl Soak {
    /// Empties the pools, waits until all is as it was in the rest before, and checks what was
    /// written. Prints a line.
    pub(crate) async fn rest(&mut self, at: Duration, series: &mut Series) {
        let mut watch = self.watch().await;
        self.expect_bounded_statements(&mut watch).await;
        for lane in &self.lanes {
            lane.empty().await;
        }
        let what = "connections of the pools";
        let gone = watch.wait_until_gone(what, REST_LIMIT, |_| true).await;
        gone.unwrap();
        let vitals = self.idle(&mut watch, at, series.all.first()).await;
        series.all.push(vitals);

        let ledger = &self.ledger;
        let written = ledger.settle(&mut watch).await;
        let (came, cut) = self.network();
        println!(
            "{:>5} s: {}, {written} rows; {came} connections, {cut} cut; {}; server {} connections \
             {} statements, own {} sockets {} descriptors {} tasks {} KiB",
            at.as_secs(),
            ledger.counts(),
            self.faults,
            vitals.connections,
            vitals.statements,
            vitals.sockets,
            vitals.descriptors,
            vitals.tasks,
            vitals.memory_kib,
        );
        drop(watch);
        for lane in &self.lanes {
            lane.fill();
        }
    }

    /// Waits until nothing is held but what was held at the first rest.
    async fn idle(&self, watch: &mut Watch, at: Duration, first: Option<&Vitals>) -> Vitals {
        let start = Instant::now();
        loop {
            let vitals = Vitals::of(watch, at).await.unwrap();
            // That of the watch, and of the proxies those at which they listen.
            let is_idle = vitals.connections == 1
                && vitals.statements == 1
                && vitals.sockets == 1 + self.lanes.len();
            let is_as_before = first.is_none_or(|first| {
                vitals.descriptors <= first.descriptors && vitals.tasks <= first.tasks
            });
            if is_idle && is_as_before {
                return vitals;
            }
            assert!(
                start.elapsed() < REST_LIMIT,
                "still held: {vitals:?}, at first {first:?}"
            );
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Under load there are no more statements than the caches hold, and those that are just being
    /// prepared.
    async fn expect_bounded_statements(&self, watch: &mut Watch) {
        let connections = watch.status("Threads_connected").await.unwrap();
        let statements = watch.status("Prepared_stmt_count").await.unwrap();
        let limit =
            connections.max((self.lanes.len() * POOL_SIZE) as u64) * (STATEMENTS as u64 + 4);
        assert!(
            statements <= limit,
            "{statements} of {connections} connections"
        );
    }
}

/// How long something may go on behind its end: a statement that could not be stopped, say.
const REST_LIMIT: Duration = Duration::from_secs(60);
