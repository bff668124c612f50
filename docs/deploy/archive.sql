-- Take an old month out of the ledger of stock and of the outbox: detached, not deleted, which the
-- triggers would refuse. The books add up after it.
--     psql --single-transaction --set ON_ERROR_STOP=1 --file archive.sql
-- Afterwards keep it (pg_dump --table NAME) and drop it, or leave it where it is.
SET LOCAL lock_timeout = '5s';

ALTER TABLE inventory_stockmovement DETACH PARTITION inventory_stockmovement_before_2027_01;
-- A level is the sum of its ledger (I2): what the month came to is carried forward.
INSERT INTO inventory_stockmovement
    (kind, on_hand_delta, reserved_delta, reference, reason, actor_id, created_at, level_id)
SELECT 'adjustment', sum(on_hand_delta), sum(reserved_delta), '',
    'carried forward from inventory_stockmovement_before_2027_01', NULL, clock_timestamp(), level_id
FROM inventory_stockmovement_before_2027_01
GROUP BY level_id
HAVING sum(on_hand_delta) <> 0 OR sum(reserved_delta) <> 0;

-- What waits in the outbox stays: only a month that has been sent goes.
DO $$ BEGIN
    IF EXISTS (SELECT FROM kernel_outboxmessage_before_2027_01 WHERE sent_at IS NULL) THEN
        RAISE EXCEPTION 'messages of that month wait or are dead: see them through first';
    END IF;
END $$;
ALTER TABLE kernel_outboxmessage DETACH PARTITION kernel_outboxmessage_before_2027_01;
-- The histories of orders stay as long as the orders do: I14 holds one against the other. Their old
-- months may lie on slower disks:
--     ALTER TABLE orders_orderevent_before_2027_01 SET TABLESPACE archive;
