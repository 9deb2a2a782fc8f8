use otaria_codec::ServerStatus;

/// What is known of the transaction that a session watches: see
/// [`Session::begin_transaction`](crate::Session::begin_transaction).
///
/// ```text
///           OK with IN_TRANS                ERR
/// Starting ─────────────────► Open ─────────────────► InDoubt
///     │                       │  ▲   OK with IN_TRANS  │  │
///     │                       │  └─────────────────────┘  │
///     └──ERR──► Aborted ◄─────┴──OK without IN_TRANS──────┘
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum TransactionWatch {
    /// None is watched.
    #[default]
    Outside,
    /// It is to begin, and the server has not said whether it has.
    Starting,
    /// It is open.
    Open,
    /// The server has refused a statement in it, and does not say by an error whether it has rolled
    /// back no more than that: the status of the next OK does.
    InDoubt {
        /// The server's error code.
        code: u16,
        /// Whether the statement may have committed the transaction before it failed, as a CREATE
        /// TABLE does.
        may_be_committed: bool,
    },
    /// It has ended before its end, or could not be begun: what follows would run outside of it.
    Aborted {
        /// The code of the server's error that has rolled it back; `None` if a statement in it has
        /// ended it, such as a COMMIT, or a CREATE TABLE, which commits.
        code: Option<u16>,
    },
}

impl TransactionWatch {
    /// A response has come with this status.
    #[inline]
    pub(super) fn told(&mut self, status: ServerStatus) {
        *self = match *self {
            Self::Open | Self::InDoubt { .. } if status.is_in_transaction() => Self::Open,
            Self::Open => Self::Aborted { code: None },
            Self::InDoubt {
                code,
                may_be_committed,
            } => Self::Aborted {
                code: (!may_be_committed).then_some(code),
            },
            other => other,
        };
    }

    /// The latest response came with this status. An error comes with none, so that what is in doubt
    /// stays so.
    pub(super) fn told_if_open(&mut self, status: ServerStatus) {
        if *self == Self::Open {
            self.told(status);
        }
    }

    /// The server has refused or ended a statement by the error with this code.
    pub(super) fn refused(&mut self, code: u16, harm: Harm) {
        if !matches!(self, Self::Open | Self::InDoubt { .. }) {
            return;
        }
        let in_doubt = |may_be_committed| Self::InDoubt {
            code,
            may_be_committed,
        };
        *self = match harm {
            _ if ENDS_TRANSACTION.contains(&code) => Self::Aborted {
                code: (harm != Harm::Committed).then_some(code),
            },
            Harm::None => return,
            Harm::RolledBack => in_doubt(false),
            Harm::Committed => in_doubt(true),
        };
    }
}

/// What a statement that was refused may have done to the transaction.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Harm {
    /// Nothing: no more than the statement is rolled back.
    None,
    /// It may have rolled it back.
    RolledBack,
    /// It may have committed it as well.
    Committed,
}

/// Errors at which the server rolls the whole transaction back: a deadlock, also of a distributed
/// transaction, and an error of the COMMIT. It is another transaction by then where the statement has
/// committed before, as `CREATE TABLE … SELECT` does.
const ENDS_TRANSACTION: [u16; 3] = [1180, 1213, 1614];

#[cfg(test)]
mod tests {
    use TransactionWatch::{Aborted, InDoubt, Open, Outside, Starting};

    use super::*;

    const IN_TRANS: ServerStatus = ServerStatus::IN_TRANS;
    const NONE: ServerStatus = ServerStatus::AUTOCOMMIT;

    #[track_caller]
    fn told(mut watch: TransactionWatch, status: ServerStatus, expected: TransactionWatch) {
        watch.told(status);
        assert_eq!(watch, expected);
    }

    #[track_caller]
    fn refused(mut watch: TransactionWatch, code: u16, harm: Harm, expected: TransactionWatch) {
        watch.refused(code, harm);
        assert_eq!(watch, expected);
    }

    const fn in_doubt(code: u16, may_be_committed: bool) -> TransactionWatch {
        InDoubt {
            code,
            may_be_committed,
        }
    }

    #[test]
    fn an_ok_tells_whether_the_transaction_is_open() {
        let code = Some(1205);
        told(Open, IN_TRANS, Open);
        told(Open, NONE, Aborted { code: None });
        told(in_doubt(1205, false), IN_TRANS, Open);
        told(in_doubt(1205, true), IN_TRANS, Open);
        told(in_doubt(1205, false), NONE, Aborted { code });
        told(in_doubt(1205, true), NONE, Aborted { code: None });
    }

    #[test]
    fn what_has_ended_stays_so() {
        let ended = Aborted { code: None };
        told(ended, IN_TRANS, ended);
        refused(ended, 1213, Harm::RolledBack, ended);
        told(Outside, IN_TRANS, Outside);
        refused(Outside, 1213, Harm::RolledBack, Outside);
        told(Starting, NONE, Starting);
        told(Starting, IN_TRANS, Starting);
    }

    #[test]
    fn an_error_that_ends_the_transaction_needs_no_status_and_others_do() {
        for code in [1180, 1213, 1614] {
            let aborted = Aborted { code: Some(code) };
            for harm in [Harm::None, Harm::RolledBack] {
                refused(Open, code, harm, aborted);
                refused(in_doubt(1205, false), code, harm, aborted);
            }
            // What came before is committed, and not to be done again.
            let may_be_committed = Aborted { code: None };
            refused(Open, code, Harm::Committed, may_be_committed);
        }
        for code in [1020, 1062, 1064, 1205] {
            refused(Open, code, Harm::RolledBack, in_doubt(code, false));
            refused(Open, code, Harm::Committed, in_doubt(code, true));
            refused(Open, code, Harm::None, Open);
        }
    }

    #[test]
    fn what_is_in_doubt_stays_so_behind_an_error_that_does_no_harm() {
        let watch = in_doubt(1205, false);
        refused(watch, 1062, Harm::None, watch);
    }
}
