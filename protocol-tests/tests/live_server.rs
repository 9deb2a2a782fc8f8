//! The live servers themselves.

use std::io::Read;
use std::net::TcpStream;

use protocol_tests::live::{self, LiveError, LiveServer};

#[test]
fn sql_prints_a_line_a_row_and_tabs_between_columns() -> Result<(), LiveError> {
    assert_eq!(
        live::shared().sql("SELECT 1, NULL UNION SELECT 2, 'é'; SELECT 3")?,
        "1\tNULL\n2\té\n3\n"
    );
    Ok(())
}

#[test]
fn failed_statement_is_an_error_with_its_code() {
    let error = live::shared()
        .sql("SELECT 1; SELECT no_such_column")
        .unwrap_err();
    assert!(matches!(error, LiveError::Sql { message } if message.starts_with("ERROR 1054 ")));
}

#[test]
fn statements_may_be_longer_than_a_pipe_or_an_argument() -> Result<(), LiveError> {
    let long = "x".repeat(4 << 20);
    assert_eq!(
        live::shared().sql(&format!("SELECT '{long}'"))?.len(),
        long.len() + 1
    );
    Ok(())
}

#[test]
fn version_is_numbers_and_dots() {
    let version = live::shared().version();
    assert_eq!(
        version
            .split('.')
            .filter(|part| part.parse::<u32>().is_ok())
            .count(),
        3,
        "{version}"
    );
}

#[test]
fn server_greets_on_its_port() {
    let server = live::shared();
    let mut stream = TcpStream::connect((server.host(), server.port())).unwrap();
    let mut header = [0; 5];
    stream.read_exact(&mut header).unwrap();
    assert_eq!(header[3..], [0, 10], "sequence id 0, protocol version 10");
}

#[test]
fn url_has_all_it_takes_to_connect() -> Result<(), LiveError> {
    let server = live::shared();
    let url = server.url("information_schema");
    assert!(
        url.starts_with("mariadb://") && url.contains("/information_schema"),
        "{url}"
    );
    assert_eq!(LiveServer::at(&url)?.version(), server.version());
    Ok(())
}

#[test]
fn schemas_are_distinct_and_dropped() -> Result<(), LiveError> {
    let server = live::shared();
    let (one, two) = (server.schema("Twin's")?, server.schema("Twin's")?);
    for schema in [&one, &two] {
        schema.sql("CREATE TABLE t (a INT)")?;
        assert_eq!(
            schema.sql("SELECT DATABASE()")?,
            format!("{}\n", schema.name())
        );
        let url = schema.url();
        let (path, _) = url.split_once('?').unwrap_or((&url, ""));
        assert!(path.ends_with(schema.name()));
    }
    let name = one.name().to_owned();
    drop(one);
    assert_eq!(server.sql(&format!("SHOW SCHEMAS LIKE '{name}'"))?, "");
    two.sql("SELECT a FROM t")?;
    Ok(())
}

#[test]
fn schemas_of_a_killed_process_with_our_number_are_passed_over() -> Result<(), LiveError> {
    let server = live::shared();
    let first = server.schema("left")?;
    let (stem, count) = first.name().rsplit_once('_').unwrap();
    let count: u32 = count.parse().unwrap();
    let left: Vec<String> = (count + 1..count + 30)
        .map(|count| format!("{stem}_{count}"))
        .collect();
    let all = |verb: &str| format!("{verb} SCHEMA {};", left.join(&format!("; {verb} SCHEMA ")));
    server.sql(&all("CREATE"))?;
    let next = server.schema("left")?;
    server.sql(&all("DROP"))?;
    assert!(!left.iter().any(|name| name == next.name()));
    Ok(())
}

/// What needs a `mariadbd` of its own, whatever `OTARIA_TEST_URL` says.
mod private_server {
    use std::io::{BufRead, BufReader, Read};
    use std::net::TcpStream;
    use std::path::{Path, PathBuf};
    use std::process::{Child, Command, Stdio};
    use std::thread;
    use std::time::{Duration, Instant};

    use protocol_tests::live::{Ending, LiveError, LiveServer};

    #[test]
    fn private_server_has_what_tests_need() -> Result<(), LiveError> {
        let server = LiveServer::start()?;
        let variables = "@@max_allowed_packet, @@local_infile, @@log_bin, @@bind_address";
        assert_eq!(
            server.sql(&format!("SELECT {variables}"))?,
            "67108864\t1\t0\t127.0.0.1\n"
        );
        let plugin =
            "SELECT plugin_status FROM information_schema.plugins WHERE plugin_name='ed25519'";
        assert_eq!(server.sql(plugin)?, "ACTIVE\n");
        assert!(server.socket().unwrap().exists());
        Ok(())
    }

    #[test]
    fn option_wins_over_the_default() -> Result<(), LiveError> {
        let server = LiveServer::builder()
            .option("--max-allowed-packet=1M")
            .start()?;
        assert_eq!(server.sql("SELECT @@max_allowed_packet")?, "1048576\n");
        Ok(())
    }

    #[test]
    fn unknown_option_is_an_error_with_the_end_of_the_log() {
        let error = LiveServer::builder()
            .option("--no-such-option")
            .start()
            .unwrap_err();
        let message = error.to_string();
        assert!(matches!(error, LiveError::Exited { .. }), "{message}");
        assert!(message.contains("no-such-option"), "{message}");
    }

    #[test]
    fn private_server_wants_its_password() -> Result<(), LiveError> {
        let server = LiveServer::start()?;
        let stranger = server.url("").replace(server.password(), "guess");
        let error = LiveServer::at(&stranger).unwrap_err();
        assert!(matches!(error, LiveError::Sql { message } if message.starts_with("ERROR 1045 ")));
        Ok(())
    }

    #[test]
    fn dropped_server_leaves_no_process_and_no_directory() -> Result<(), LiveError> {
        let server = LiveServer::start()?;
        let traces = Traces::of(&server);
        assert!(traces.process_lives() && traces.directory.exists());
        drop(server);
        assert!(!traces.process_lives() && !traces.directory.exists());
        Ok(())
    }

    #[test]
    fn a_server_that_is_ended_refuses_clients_and_comes_back_with_its_port_and_its_data()
    -> Result<(), LiveError> {
        // Else a server that is killed loses what it has committed in the last second.
        let option = "--innodb-flush-log-at-trx-commit=2";
        let server = LiveServer::builder().option(option).start()?;
        server.sql("CREATE SCHEMA test; CREATE TABLE test.kept (id INT) ENGINE = InnoDB")?;
        for (round, how) in [Ending::Shutdown, Ending::Kill].into_iter().enumerate() {
            server.sql(&format!("INSERT INTO test.kept VALUES ({round})"))?;
            let process_id = server.process_id();
            server.end(how)?;
            let error = TcpStream::connect((server.host(), server.port())).unwrap_err();
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
            server.start_again()?;
            assert_ne!(server.process_id(), process_id);
            let count = server.sql("SELECT COUNT(*), @@port FROM test.kept")?;
            assert_eq!(count, format!("{}\t{}\n", round + 1, server.port()));
        }
        let traces = Traces::of(&server);
        drop(server);
        assert!(!traces.process_lives() && !traces.directory.exists());
        Ok(())
    }

    #[test]
    fn a_server_that_is_down_when_it_is_dropped_leaves_no_directory() -> Result<(), LiveError> {
        for how in [Ending::Shutdown, Ending::Kill] {
            let server = LiveServer::start()?;
            let traces = Traces::of(&server);
            server.end(how)?;
            drop(server);
            assert!(
                !traces.process_lives() && !traces.directory.exists(),
                "{how:?}"
            );
        }
        Ok(())
    }

    #[test]
    fn killed_process_leaves_no_server() {
        let mut host = Host::start("hold", None);
        let traces = host.traces();
        assert!(traces.process_lives() && traces.directory.exists());
        host.child.kill().unwrap();
        host.child.wait().unwrap();
        traces.wait_until_gone();
    }

    #[test]
    fn process_that_ends_with_the_shared_server_leaves_none() {
        let mut host = Host::start("end", None);
        let traces = host.traces();
        assert!(host.child.wait().unwrap().success());
        traces.wait_until_gone();
    }

    #[test]
    fn test_url_takes_the_place_of_a_private_server() -> Result<(), LiveError> {
        let server = LiveServer::start()?;
        let mut host = Host::start("end", Some(&server.url("")));
        assert_eq!(host.line("port"), server.port().to_string());
        assert_eq!(host.line("process"), "None");
        assert_eq!(host.line("socket"), "None");
        assert!(host.child.wait().unwrap().success());

        let socket = server.socket().unwrap().display();
        let mut host = Host::start("end", Some(&format!("{}?socket={socket}", server.url(""))));
        assert_eq!(
            host.line("socket"),
            format!("Some({:?})", server.socket().unwrap())
        );
        assert!(host.child.wait().unwrap().success());

        let both = LiveServer::at(&format!("{}?socket={socket}", server.url("")))?;
        assert_eq!(both.url(""), server.url(""), "the URL's way is TCP");
        let more = format!(
            "{}?compress=1&socket={socket}&ssl_mode=trust",
            server.url("")
        );
        let kept = format!("{}?compress=1&ssl_mode=trust", server.url(""));
        assert_eq!(LiveServer::at(&more)?.url(""), kept);
        server.sql("SELECT 'still here'")?;
        Ok(())
    }

    #[test]
    fn missing_server_fails_the_test_and_says_how_to_get_one() {
        let output = Host::command("end")
            .env_remove("OTARIA_TEST_URL")
            .env("OTARIA_MARIADBD", "/nowhere/mariadbd")
            .output()
            .unwrap();
        assert!(!output.status.success());
        let message = String::from_utf8_lossy(&output.stderr);
        assert!(message.contains("/nowhere/mariadbd"), "{message}");
        assert!(
            message.contains("apt-get install mariadb-server"),
            "{message}"
        );
    }

    /// Another process, with the shared server in its `static`.
    struct Host {
        child: Child,
        output: BufReader<std::process::ChildStdout>,
    }

    impl Host {
        fn command(end: &str) -> Command {
            let mut command = Command::new(env!("CARGO_BIN_EXE_live_host"));
            command.arg(end);
            command
        }

        fn start(end: &str, test_url: Option<&str>) -> Self {
            let mut command = Self::command(end);
            match test_url {
                Some(url) => command.env("OTARIA_TEST_URL", url),
                None => command.env_remove("OTARIA_TEST_URL"),
            };
            let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
            let output = BufReader::new(child.stdout.take().unwrap());
            Self { child, output }
        }

        /// The value of the next line that starts with `name=`.
        fn line(&mut self, name: &str) -> String {
            let prefix = format!("{name}=");
            let mut lines = self.output.by_ref().lines().map(Result::unwrap);
            lines
                .find_map(|line| line.strip_prefix(&prefix).map(str::to_owned))
                .unwrap()
        }

        fn traces(&mut self) -> Traces {
            let process = self.line("process");
            let socket = self.line("socket");
            let socket = socket.trim_start_matches("Some(\"").trim_end_matches("\")");
            Traces {
                process: process
                    .trim_matches(|c: char| !c.is_ascii_digit())
                    .to_owned(),
                directory: Path::new(socket).parent().unwrap().to_owned(),
            }
        }
    }

    impl Drop for Host {
        fn drop(&mut self) {
            // Of no effect on one that has ended.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }

    /// What a server must not leave behind.
    struct Traces {
        process: String,
        directory: PathBuf,
    }

    impl Traces {
        fn of(server: &LiveServer) -> Self {
            Self {
                process: server.process_id().unwrap().to_string(),
                directory: server.socket().unwrap().parent().unwrap().to_owned(),
            }
        }

        fn process_lives(&self) -> bool {
            let mut kill = Command::new("sh");
            kill.args(["-c", "kill -0 \"$1\"", "sh", &self.process])
                .stderr(Stdio::null());
            kill.status().unwrap().success()
        }

        fn wait_until_gone(&self) {
            let deadline = Instant::now() + Duration::from_secs(20);
            while self.process_lives() || self.directory.exists() {
                assert!(
                    Instant::now() < deadline,
                    "{} is still there",
                    self.directory.display()
                );
                thread::sleep(Duration::from_millis(20));
            }
        }
    }
}
