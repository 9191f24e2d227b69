-- Payments of accounts that registry does not know, or that cannot be cut by themselves: money that came is never thrown
-- away. They count as soon as the account is known, and are lines of the feed then. The same line of the source once more
-- is the newest word on it: nothing has come of it yet.
create table unplaced_payment (
    id uuid not null constraint unplaced_payment_pk primary key,
    source text not null,
    external_id text not null,
    -- As the source writes it, and without case.
    account text not null,
    account_key text not null,
    amount_cents bigint not null constraint unplaced_payment_amount check (amount_cents > 0),
    paid_at timestamptz not null,
    received_at timestamptz not null,
    why text not null,
    -- When registry was last asked for the account.
    asked_at timestamptz not null,
    constraint unplaced_payment_line unique (source, external_id)
);
create index unplaced_payment_by_account on unplaced_payment (account_key);
create index unplaced_payment_newest on unplaced_payment (received_at desc, id desc);
create index unplaced_payment_to_ask on unplaced_payment (asked_at);
