//! Settings of the session that the login cannot carry.

use std::time::Duration;

use otaria_auth::ServerVersion;

use crate::Config;

impl Config {
    /// The one statement that gives the session its collation, time zone and limit of a
    /// statement's time, to be sent after each login; `None` if the configuration asks
    /// for none of them.
    pub fn session_settings_sql(&self, version: &ServerVersion) -> Option<String> {
        self.settings_sql(version, None)
    }

    /// The same after a reset of the session. MySQL then gives it the server's default character
    /// set in place of that of the login, so it is always told.
    pub fn session_settings_after_reset_sql(&self, version: &ServerVersion) -> Option<String> {
        let collation = (!version.is_mariadb).then_some(MYSQL_LOGIN_COLLATION);
        self.settings_sql(version, collation)
    }

    /// `collation` is what the session gets if the configuration has none.
    fn settings_sql(&self, version: &ServerVersion, collation: Option<&str>) -> Option<String> {
        let collation = self
            .collation()
            .or(collation)
            .map(|collation| format!("NAMES utf8mb4 COLLATE {collation}"));
        let time_zone = self.time_zone().map(|zone| format!("time_zone='{zone}'"));
        let limit = self.max_statement_time().map(|limit| {
            if version.is_mariadb {
                max_statement_time(limit)
            } else {
                max_execution_time(limit)
            }
        });
        let settings: Vec<_> = [collation, time_zone, limit]
            .into_iter()
            .flatten()
            .collect();
        (!settings.is_empty()).then(|| format!("SET {}", settings.join(",")))
    }
}

/// What MySQL makes of the collation of the login, by its number.
const MYSQL_LOGIN_COLLATION: &str = "utf8mb4_general_ci";

/// MariaDB's variable: seconds with six decimals, 0 for no limit. What is less than its least is
/// that.
fn max_statement_time(limit: Duration) -> String {
    if limit.is_zero() {
        return "max_statement_time=0".to_owned();
    }
    let micros = limit.as_micros().max(1);
    let (seconds, fraction) = (micros / 1_000_000, micros % 1_000_000);
    format!("max_statement_time={seconds}.{fraction:06}")
}

/// MySQL's variable, which only limits SELECT: milliseconds, 0 for no limit.
fn max_execution_time(limit: Duration) -> String {
    let millis = limit.as_nanos().div_ceil(1_000_000);
    format!("max_execution_time={millis}")
}

/// Whether it is the name of a collation of `utf8mb4`, or one of those of MariaDB 11 that are
/// named for all character sets alike. Its characters can do no harm in SQL.
pub(crate) fn is_collation(name: &str) -> bool {
    let known = ["utf8mb4_", "uca1400_"];
    known.iter().any(|prefix| name.starts_with(prefix))
        && name.len() <= 64
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Whether it is an offset such as `+02:00`, or has the form of a name such as `Europe/Helsinki`.
/// Its characters can do no harm in a quoted string of SQL.
pub(crate) fn is_time_zone(zone: &str) -> bool {
    (1..=64).contains(&zone.len())
        && zone
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_+-:/".contains(&byte))
}

#[cfg(test)]
mod tests {
    use otaria_codec::Capabilities;

    use super::*;
    use crate::ConfigBuilder;

    fn sql(builder: ConfigBuilder, capabilities: Capabilities) -> Option<String> {
        let version = ServerVersion::new(b"10.11.19", capabilities);
        builder.build().unwrap().session_settings_sql(&version)
    }

    fn full(limit: Duration) -> ConfigBuilder {
        Config::builder()
            .collation("utf8mb4_unicode_ci")
            .time_zone("Europe/Helsinki")
            .max_statement_time(limit)
    }

    #[test]
    fn no_hidden_query_at_connect_unless_the_user_asked_for_it() {
        assert_eq!(sql(Config::builder(), Capabilities::empty()), None);
    }

    #[test]
    fn all_settings_are_one_statement() {
        let expected = "SET NAMES utf8mb4 COLLATE utf8mb4_unicode_ci,\
                        time_zone='Europe/Helsinki',max_statement_time=1.500000";
        let builder = full(Duration::from_millis(1500));
        assert_eq!(sql(builder, Capabilities::empty()).unwrap(), expected);
    }

    #[test]
    fn mysql_limits_a_statement_in_milliseconds() {
        let builder = full(Duration::from_micros(1500));
        let sql = sql(builder, Capabilities::CLIENT_MYSQL).unwrap();
        assert!(sql.ends_with(",max_execution_time=2"), "{sql}");
    }

    #[test]
    fn after_a_reset_mysql_is_told_the_character_set_again() {
        let sql = |builder: ConfigBuilder, capabilities: Capabilities| {
            let version = ServerVersion::new(b"9.7.4", capabilities);
            let config = builder.build().unwrap();
            config.session_settings_after_reset_sql(&version)
        };
        let mysql = Capabilities::CLIENT_MYSQL;
        let expected = "SET NAMES utf8mb4 COLLATE utf8mb4_general_ci";
        assert_eq!(sql(Config::builder(), mysql).unwrap(), expected);
        let configured = Config::builder().collation("utf8mb4_bin");
        let expected = "SET NAMES utf8mb4 COLLATE utf8mb4_bin";
        assert_eq!(sql(configured, mysql).unwrap(), expected);
        assert_eq!(sql(Config::builder(), Capabilities::empty()), None);
    }

    #[test]
    fn a_limit_too_small_to_say_is_not_no_limit() {
        let limit = Duration::from_nanos(1);
        assert_eq!(max_statement_time(limit), "max_statement_time=0.000001");
        assert_eq!(max_execution_time(limit), "max_execution_time=1");
    }

    #[test]
    fn a_limit_of_zero_is_no_limit() {
        let settings = |capabilities| {
            let builder = Config::builder().max_statement_time(Duration::ZERO);
            sql(builder, capabilities)
        };
        let sql = settings(Capabilities::empty());
        assert_eq!(sql.as_deref(), Some("SET max_statement_time=0"));
        let sql = settings(Capabilities::CLIENT_MYSQL);
        assert_eq!(sql.as_deref(), Some("SET max_execution_time=0"));
    }

    #[test]
    fn what_could_end_the_sql_is_no_collation_and_no_time_zone() {
        assert!(is_collation("utf8mb4_bin") && is_collation("uca1400_ai_ci"));
        for name in [
            "",
            "utf8mb4",
            "latin1_bin",
            "utf8mb4_bin;",
            "utf8mb4_a b",
            "utf8mb4_é",
        ] {
            assert!(!is_collation(name), "{name}");
        }
        assert!(is_time_zone("+02:00") && is_time_zone("SYSTEM") && is_time_zone("Etc/GMT-1"));
        for zone in ["", "'", "a'b", "a\\", "a b", "é", "a;"] {
            assert!(!is_time_zone(zone), "{zone}");
        }
    }
}
