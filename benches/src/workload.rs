use std::str::FromStr;

/// What a program does so and so often, over the tables of `workload.sql`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Workload {
    /// Reads rows of `lineitem` without its decimals and dates: nine columns.
    ScanPlain,
    /// Reads rows of `lineitem`: sixteen columns, four decimals and three dates among them.
    ScanBin,
    /// Looks up rows of `users`, one a query, by SQL that the driver has run before.
    Point,
    /// Looks them up by a statement that is held: another of Otaria's ways.
    PointHeld,
    /// Looks them up on connections of a pool, a checkout a query: another of Otaria's ways.
    Pool,
    /// Looks them up by the pool's own `query_one`: another of Otaria's ways.
    PoolVerb,
    /// Reads the rows of [`ScanPlain`](Self::ScanPlain) one by one out of chunks: another of
    /// Otaria's ways.
    ScanRows,
    /// Reads them one by one, each by a future: another of Otaria's ways.
    ScanNext,
    /// Inserts rows of three columns by `execute_batch`.
    Batch,
}

impl Workload {
    /// The name, as it is given to a program.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ScanPlain => "scan_plain",
            Self::ScanBin => "scan_bin",
            Self::Point => "point",
            Self::PointHeld => "point_held",
            Self::Pool => "pool",
            Self::PoolVerb => "pool_verb",
            Self::ScanRows => "scan_rows",
            Self::ScanNext => "scan_next",
            Self::Batch => "batch",
        }
    }
}

impl FromStr for Workload {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        ALL.into_iter()
            .find(|workload| workload.name() == name)
            .ok_or(())
    }
}

/// The statement of [`Workload::ScanPlain`] and its like.
pub fn scan_plain(rows: u32) -> String {
    format!(
        "SELECT l_orderkey, l_partkey, l_suppkey, l_linenumber, l_returnflag, l_linestatus, \
         l_shipinstruct, l_shipmode, l_comment FROM lineitem LIMIT {rows}"
    )
}

/// The statement of [`Workload::ScanBin`].
pub fn scan_bin(rows: u32) -> String {
    format!(
        "SELECT l_orderkey, l_partkey, l_suppkey, l_linenumber, l_quantity, l_extendedprice, \
         l_discount, l_tax, l_returnflag, l_linestatus, l_shipdate, l_commitdate, l_receiptdate, \
         l_shipinstruct, l_shipmode, l_comment FROM lineitem LIMIT {rows}"
    )
}

/// The statement of [`Workload::Point`] and [`Workload::PointHeld`].
pub const POINT: &str = "SELECT id, name, email, score FROM users WHERE id = ?";

/// The argument of the query `index`: all over the table.
pub fn point_key(index: u32) -> i32 {
    let key = u64::from(index) * 7919 % USERS + 1;
    key.try_into().unwrap_or_default()
}

/// Makes use of values that were read, so that no compiler leaves out the reading. All programs
/// come to the same sum: each has read all values.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Sum(u64);

impl Sum {
    /// Counts `number` if it is odd.
    #[inline]
    pub fn integer(&mut self, number: impl Into<i64>) {
        self.0 += u64::from(number.into() & 1 == 1);
    }

    /// Counts those that are odd.
    #[inline]
    pub fn integers<const N: usize>(&mut self, numbers: [impl Into<i64>; N]) {
        for number in numbers {
            self.integer(number);
        }
    }

    /// Adds the lengths in bytes.
    #[inline]
    pub fn texts<const N: usize>(&mut self, texts: [&str; N]) {
        for text in texts {
            self.0 += text.len() as u64;
        }
    }

    /// Counts a decimal if it is less than zero.
    #[inline]
    pub fn decimal(&mut self, is_negative: bool) {
        self.0 += u64::from(is_negative);
    }

    /// The sum.
    pub const fn total(self) -> u64 {
        self.0
    }
}

const ALL: [Workload; 9] = [
    Workload::ScanPlain,
    Workload::ScanBin,
    Workload::Point,
    Workload::PointHeld,
    Workload::Pool,
    Workload::PoolVerb,
    Workload::ScanRows,
    Workload::ScanNext,
    Workload::Batch,
];

/// How many rows `users` has.
const USERS: u64 = 100_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workloads_are_found_by_their_names() {
        for workload in ALL {
            assert_eq!(workload.name().parse(), Ok(workload));
        }
        assert_eq!("scan".parse::<Workload>(), Err(()));
    }

    #[test]
    fn keys_are_those_of_rows() {
        assert_eq!(point_key(0), 1);
        assert!((0..200_000).all(|index| (1..=100_000).contains(&point_key(index))));
    }
}
