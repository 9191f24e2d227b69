-- What billing says is owed, the cases that follow from it, the notices issued and the releases given. A case is one
-- document (the machine's own state) with the columns beside it that lists and checks need.

-- An account as billing knows it. The balance is the newest balance told, less the payments after its moment: so lines
-- may come in any order and the result is the same.
create table account (
    id uuid constraint account_pk primary key,
    account text not null constraint account_size check (length(account) between 1 and 64),
    -- Compared without case.
    account_key text not null constraint account_key_unique unique,
    customer_id uuid not null,
    service_point_id uuid not null,
    org_path text not null,
    -- IANA.
    zone text not null,
    meter_no text not null constraint account_meter_no_given check (meter_no <> ''),
    class text not null,
    -- Newest balance told, hundredths of the currency, and its moment; null before the first.
    told_cents bigint,
    told_at timestamptz,
    -- What is owed by now, and the moment of the newest fact in it.
    balance_cents bigint not null default 0,
    balance_at timestamptz,
    due_on date,
    -- Unpaid bills as billing listed them, for the notice.
    bills jsonb not null default '[]'
);
-- The mender looks for debts without a case.
create index account_owing on account (due_on) where balance_cents > 0;

-- Every line once; a payment also counts for balances that come later and speak of an earlier moment.
create table feed_line (
    source text not null constraint feed_line_source_size check (length(source) between 1 and 64),
    external_id text not null constraint feed_line_external_id_size check (length(external_id) between 1 and 100),
    account_id uuid not null constraint feed_line_account_fk references account (id),
    kind text not null constraint feed_line_kind_word check (kind in ('balance', 'payment')),
    amount_cents bigint not null,
    at timestamptz not null,
    received_at timestamptz not null,
    constraint feed_line_pk primary key (source, external_id)
);
create index feed_line_payment on feed_line (account_id, at) where kind = 'payment';

create table debt_case (
    id uuid constraint debt_case_pk primary key,
    number text not null constraint debt_case_number_unique unique,
    account_id uuid not null constraint debt_case_account_fk references account (id),
    account text not null,
    customer_id uuid not null,
    service_point_id uuid not null,
    org_path text not null,
    state text not null constraint debt_case_state_word check (state in ('overdue', 'reminded', 'eligible', 'approved',
        'notice_issued', 'notice_served', 'window_open', 'pre_noticed', 'expired', 'disconnected', 'paid',
        'reconnect_ordered', 'wrongful', 'reconnected', 'closed', 'settled_before', 'withdrawn')),
    is_over boolean not null,
    doc jsonb not null,
    version bigint not null constraint debt_case_version_positive check (version > 0),
    policy_version text not null,
    opened_at timestamptz not null,
    constraint debt_case_over check (is_over = (state in ('closed', 'settled_before', 'withdrawn')))
);
-- One open case per account.
create unique index debt_case_one_open on debt_case (account_id) where not is_over;
create index debt_case_open on debt_case (opened_at desc, id desc) where not is_over;
create index debt_case_state on debt_case (state, opened_at desc, id desc);
create index debt_case_account on debt_case (account_id, opened_at desc);

-- What happened to a case; append only.
create table case_step (
    case_id uuid not null constraint case_step_case_fk references debt_case (id),
    version bigint not null,
    event text not null,
    state text not null,
    at timestamptz not null,
    actor text not null,
    constraint case_step_pk primary key (case_id, version)
);

-- A notice as it was printed; never changed, so that what the customer holds can be compared.
create table notice (
    number text constraint notice_pk primary key,
    case_id uuid not null constraint notice_case_fk references debt_case (id),
    issued_at timestamptz not null,
    doc jsonb not null
);
create index notice_case on notice (case_id);

-- Leave to cut one meter; only a hash of what the crew shows is kept.
create table release (
    id uuid constraint release_pk primary key,
    case_id uuid not null constraint release_case_fk references debt_case (id),
    hash bytea not null constraint release_hash_unique unique constraint release_hash_size check (length(hash) = 32),
    meter_no text not null,
    made_at timestamptz not null,
    expires_at timestamptz not null,
    -- Used or taken back.
    spent_at timestamptz,
    constraint release_short check (expires_at > made_at and expires_at <= made_at + interval '5 minutes')
);
create index release_unspent on release (case_id) where spent_at is null;

-- A message ordered for the customer and what became of it; the id is the notice id of the events about it.
create table message (
    id uuid constraint message_pk primary key,
    case_id uuid not null constraint message_case_fk references debt_case (id),
    kind text not null constraint message_kind_word check (kind in ('reminder', 'disconnection', 'pre_notice',
        'disconnected', 'payment_received', 'reconnected', 'withdrawn')),
    ordered_at timestamptz not null,
    -- The first channel that delivered, or the last that failed.
    channel text,
    result text constraint message_result_word check (result in ('delivered', 'failed')),
    result_at timestamptz,
    constraint message_result_whole check ((result is null) = (result_at is null) and (result is null) = (channel is null))
);
create index message_case on message (case_id, ordered_at);

-- Running numbers of a local day: A for cases, T for notices.
create table day_number (
    kind text not null constraint day_number_kind_word check (kind in ('A', 'T')),
    day date not null,
    last integer not null,
    constraint day_number_pk primary key (kind, day)
);
