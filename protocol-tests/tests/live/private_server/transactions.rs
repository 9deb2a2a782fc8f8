use otaria::{Config, Connection, Error, IsolationLevel, Pipeline, TransactionOptions};
use protocol_tests::live::LiveServer;

async fn connect(server: &LiveServer) -> Connection {
    let config: Config = server.url("bank").parse().unwrap();
    Connection::connect(&config).await.unwrap()
}

fn bank(server: &LiveServer) {
    let sql = "CREATE DATABASE bank; CREATE TABLE bank.account (id INT PRIMARY KEY, sum INT); \
               INSERT INTO bank.account VALUES (1, 100), (2, 100)";
    server.sql(sql).unwrap();
}

async fn sum(connection: &mut Connection, id: i32) -> i32 {
    let sql = "SELECT sum FROM account WHERE id = ?";
    let (sum,) = connection.query_one(sql, (id,)).await.unwrap();
    sum
}

const ADD: &str = "UPDATE account SET sum = sum + 1 WHERE id = ?";

fn code(error: &Error) -> Option<u16> {
    match error {
        Error::Server(error) => Some(error.code()),
        _ => None,
    }
}

#[tokio::test]
async fn start_transaction_fails_1290_under_read_only_and_the_first_statement_does_not_run_outside()
-> Result<(), Error> {
    let server = LiveServer::start().unwrap();
    bank(&server);
    server
        .sql("CREATE USER clerk IDENTIFIED BY 'of a test'; GRANT SELECT, UPDATE ON bank.* TO clerk")
        .unwrap();
    let config: Config = server.url("bank").parse().unwrap();
    let config = config
        .to_builder()
        .user("clerk")
        .password("of a test")
        .build()?;
    let mut connection = Connection::connect(&config).await?;
    server.sql("SET GLOBAL read_only = ON").unwrap();
    let options = TransactionOptions::new()
        .isolation_level(IsolationLevel::Serializable)
        .read_only(false);
    let mut transaction = connection.transaction_with(&options).await?;
    let error = transaction.execute(ADD, (1,)).await.unwrap_err();
    assert_eq!(code(&error), Some(1290));
    server.sql("SET GLOBAL read_only = OFF").unwrap();
    // It would be committed at once if it was sent.
    let error = transaction.execute(ADD, (1,)).await.unwrap_err();
    assert!(matches!(
        error,
        Error::TransactionAborted { code: Some(1290) }
    ));
    let error = transaction.commit().await.unwrap_err();
    assert!(matches!(
        error,
        Error::TransactionAborted { code: Some(1290) }
    ));
    assert_eq!(sum(&mut connection, 1).await, 100);
    // The level that was set for it is not that of the next one.
    let mut next = connection.transaction().await?;
    next.execute(ADD, (1,)).await?;
    let id = next
        .query_one::<(u64,)>("SELECT CONNECTION_ID()", ())
        .await?
        .0;
    let level = server.sql(&format!(
        "SELECT trx_isolation_level FROM information_schema.INNODB_TRX WHERE trx_mysql_thread_id = {id}"
    ));
    assert_eq!(level.unwrap(), "REPEATABLE READ\n");
    next.commit().await
}

#[tokio::test]
async fn a_lock_timeout_that_rolls_all_back_ends_the_transaction() -> Result<(), Error> {
    let server = LiveServer::builder()
        .option("--innodb_rollback_on_timeout=ON")
        .option("--innodb_lock_wait_timeout=1")
        .start()
        .unwrap();
    bank(&server);
    let (mut connection, mut other) = (connect(&server).await, connect(&server).await);
    for in_part in [false, true] {
        let mut holder = other.transaction().await?;
        holder.execute(ADD, (2,)).await?;
        let mut transaction = connection.transaction().await?;
        transaction.execute(ADD, (1,)).await?;
        if in_part {
            let mut part = transaction.transaction().await?;
            let error = part.execute(ADD, (2,)).await.unwrap_err();
            assert_eq!(code(&error), Some(1205));
            // The savepoint is gone with the transaction.
            drop(part);
        } else {
            let error = transaction.execute(ADD, (2,)).await.unwrap_err();
            assert_eq!(code(&error), Some(1205));
        }
        drop(holder);
        let error = transaction.execute(ADD, (2,)).await.unwrap_err();
        assert!(matches!(
            error,
            Error::TransactionAborted { code: Some(1205) }
        ));
        drop(transaction);
        assert_eq!(
            (sum(&mut connection, 1).await, sum(&mut connection, 2).await),
            (100, 100)
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_lock_timeout_that_rolls_all_back_ends_the_transaction_also_where_autocommit_is_off()
-> Result<(), Error> {
    let server = LiveServer::builder()
        .option("--innodb_rollback_on_timeout=ON")
        .option("--innodb_lock_wait_timeout=1")
        .start()
        .unwrap();
    bank(&server);
    let config: Config = server.url("bank").parse().unwrap();
    let config = config.to_builder().init_command("SET autocommit = 0");
    let mut connection = Connection::connect(&config.build()?).await?;
    let mut other = connect(&server).await;
    for in_batch in [false, true] {
        let mut holder = other.transaction().await?;
        holder.execute(ADD, (2,)).await?;
        let mut transaction = connection.transaction().await?;
        transaction.execute(ADD, (1,)).await?;
        if in_batch {
            let batch = transaction.batch(ADD).bulk(false).run([(2,), (1,), (1,)]);
            assert!(batch.await.is_err());
        } else {
            // What is read begins another transaction, if it is sent behind the error.
            let mut pipeline = Pipeline::new();
            pipeline.push(ADD, (2,)).push("SELECT 1 FROM account", ());
            pipeline.push(ADD, (1,));
            let results = transaction.execute_pipeline(&pipeline).await?;
            assert!(results.iter().all(Result::is_err), "{results:?}");
        }
        let error = transaction.commit().await.unwrap_err();
        assert!(matches!(
            error,
            Error::TransactionAborted { code: Some(1205) }
        ));
        drop(holder);
        assert_eq!(sum(&mut other, 1).await, 100);
    }
    Ok(())
}

#[tokio::test]
async fn a_commit_whose_connection_is_killed_says_that_its_outcome_is_not_known()
-> Result<(), Error> {
    let server = LiveServer::start().unwrap();
    bank(&server);
    let (mut connection, mut other) = (connect(&server).await, connect(&server).await);
    let id = connection.thread_id();
    let mut transaction = connection.transaction().await?;
    transaction.execute(ADD, (1,)).await?;
    // It makes the COMMIT wait.
    other.simple_execute("FLUSH TABLES WITH READ LOCK").await?;
    let kill = async {
        let waits = format!(
            "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID = {id} AND INFO LIKE 'COMMIT%'"
        );
        while other.query_one::<(i64,)>(waits.as_str(), ()).await?.0 == 0 {
            tokio::task::yield_now().await;
        }
        other
            .simple_execute(&format!("KILL CONNECTION {id}"))
            .await?;
        other.simple_execute("UNLOCK TABLES").await
    };
    let (committed, killed) = tokio::join!(transaction.commit(), kill);
    killed?;
    let error = committed.unwrap_err();
    assert!(matches!(error, Error::CommitUnknown { .. }), "{error:?}");
    assert!(!error.is_safe_to_retry());
    assert!(connection.close_reason().is_some());
    println!(
        "it {} committed",
        if sum(&mut other, 1).await == 101 {
            "was"
        } else {
            "was not"
        }
    );
    Ok(())
}

#[tokio::test]
async fn a_commit_that_is_hit_by_kill_query_is_not_done_and_says_so() -> Result<(), Error> {
    for option in ["--skip-log-bin", "--log-bin=binlog"] {
        let server = LiveServer::builder().option(option).start().unwrap();
        bank(&server);
        let (mut connection, mut other) = (connect(&server).await, connect(&server).await);
        let id = connection.thread_id();
        let mut transaction = connection.transaction().await?;
        transaction.execute(ADD, (1,)).await?;
        // It makes the COMMIT wait.
        other.simple_execute("FLUSH TABLES WITH READ LOCK").await?;
        let kill = async {
            let waits = format!(
                "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID = {id} AND INFO LIKE 'COMMIT%'"
            );
            while other.query_one::<(i64,)>(waits.as_str(), ()).await?.0 == 0 {
                tokio::task::yield_now().await;
            }
            other.simple_execute(&format!("KILL QUERY {id}")).await
        };
        let (committed, killed) = tokio::join!(transaction.commit(), kill);
        killed?;
        let error = committed.unwrap_err();
        assert_eq!(code(&error), Some(1317), "{error:?}");
        other.simple_execute("UNLOCK TABLES").await?;
        assert_eq!(sum(&mut connection, 1).await, 100, "{option}");
        assert!(!connection.status().is_in_transaction());
        assert_eq!(sum(&mut other, 1).await, 100, "{option}");
    }
    Ok(())
}

/// Wherever in a COMMIT the kill comes: an error says that nothing is committed, and an OK that all is.
#[tokio::test]
async fn commits_in_a_storm_of_kill_query_say_what_they_have_done() -> Result<(), Error> {
    let server = LiveServer::builder()
        .option("--log-bin=binlog")
        .start()
        .unwrap();
    bank(&server);
    let (mut connection, mut other) = (connect(&server).await, connect(&server).await);
    let id = connection.thread_id();
    let kill = format!("KILL QUERY {id}");
    let (mut committed, mut refused) = (0, 0);
    for pause in 0..400_u32 {
        let mut transaction = connection.transaction().await?;
        while let Err(error) = transaction.execute(ADD, (1,)).await {
            assert_eq!(code(&error), Some(1317), "a kill of the round before");
        }
        let kill = async {
            for _ in 0..pause % 40 {
                tokio::task::yield_now().await;
            }
            other.simple_execute(&kill).await
        };
        let (ended, killed) = tokio::join!(transaction.commit(), kill);
        killed?;
        match ended {
            Ok(()) => committed += 1,
            Err(error) => {
                assert_eq!(code(&error), Some(1317), "{error:?}");
                refused += 1;
            }
        }
    }
    println!("{committed} committed, {refused} refused by error 1317");
    assert_eq!(sum(&mut other, 1).await, 100 + committed);
    Ok(())
}
