-- Who looks after a customer, and who manages their house, are told of outages beside the customer (operations.md O22). What
-- reached them is no proof that the customer was told, and spares the customer no message of their own.
alter table message add column beside boolean not null default false;
