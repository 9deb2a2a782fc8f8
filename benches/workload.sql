-- The tables that the workloads read. The sequence engine makes their rows; {ROWS} is how many
-- `lineitem` has.

-- The shape of TPC-H's table of that name.
CREATE TABLE lineitem (
    l_orderkey BIGINT NOT NULL,
    l_partkey INT NOT NULL,
    l_suppkey INT NOT NULL,
    l_linenumber INT NOT NULL,
    l_quantity DECIMAL(15, 2) NOT NULL,
    l_extendedprice DECIMAL(15, 2) NOT NULL,
    l_discount DECIMAL(15, 2) NOT NULL,
    l_tax DECIMAL(15, 2) NOT NULL,
    l_returnflag CHAR(1) NOT NULL,
    l_linestatus CHAR(1) NOT NULL,
    l_shipdate DATE NOT NULL,
    l_commitdate DATE NOT NULL,
    l_receiptdate DATE NOT NULL,
    l_shipinstruct CHAR(25) NOT NULL,
    l_shipmode CHAR(10) NOT NULL,
    l_comment VARCHAR(44) NOT NULL,
    PRIMARY KEY (l_orderkey, l_linenumber)
) ENGINE = InnoDB;

INSERT INTO lineitem
SELECT
    seq DIV 4,
    seq * 7919 % 200000,
    seq * 104729 % 10000,
    seq % 4,
    1 + seq % 50,
    901 + seq * 31 % 10494950 / 100,
    seq % 11 / 100,
    seq % 9 / 100,
    ELT(1 + seq % 3, 'A', 'N', 'R'),
    ELT(1 + seq % 2, 'O', 'F'),
    '1992-01-02' + INTERVAL seq % 2526 DAY,
    '1992-02-01' + INTERVAL seq % 2466 DAY,
    '1992-01-04' + INTERVAL seq % 2550 DAY,
    ELT(1 + seq % 4, 'DELIVER IN PERSON', 'COLLECT COD', 'NONE', 'TAKE BACK RETURN'),
    ELT(1 + seq % 7, 'REG AIR', 'AIR', 'RAIL', 'SHIP', 'TRUCK', 'MAIL', 'FOB'),
    SUBSTR('the quickly ironic deposits haggle among the furiously even packages',
        1 + seq % 20, 10 + seq % 34)
FROM seq_1_to_{ROWS};

CREATE TABLE users (
    id INT NOT NULL PRIMARY KEY,
    name VARCHAR(64) NOT NULL,
    email VARCHAR(128) NULL,
    score DOUBLE NULL
) ENGINE = InnoDB;

INSERT INTO users
SELECT seq, CONCAT('user ', seq), IF(seq % 10 = 0, NULL, CONCAT('u', seq, '@example.org')), seq / 7
FROM seq_1_to_100000;

-- What batches and LOAD DATA fill.
CREATE TABLE batch (
    id INT NOT NULL PRIMARY KEY,
    name VARCHAR(64) NOT NULL,
    score DOUBLE NULL
) ENGINE = InnoDB;
