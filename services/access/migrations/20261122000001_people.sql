-- Who may log in, what they may do where, who is logged in, and customers' one-time codes. Passwords are kept as argon2id,
-- tokens as SHA-256; the codes are not kept at all (derived from the row's id and a secret key).

create table person (
    id uuid constraint person_pk primary key,
    -- Lower case.
    login text not null constraint person_login_unique unique constraint person_login_lower check (login = lower(login)),
    display_name text not null,
    -- PHC string, with its parameters.
    password_hash text not null,
    crew_id uuid,
    unit_id uuid,
    language text not null constraint person_language check (language in ('', 'zh-CN', 'en')),
    disabled boolean not null default false,
    created_at timestamptz not null,
    changed_at timestamptz not null
);

-- One role at one org path and everything below it.
create table role_grant (
    person_id uuid not null constraint role_grant_person references person (id),
    role text not null constraint role_grant_role
        check (role in ('admin', 'dispatcher', 'agent', 'unit_desk', 'crew')),
    org_path text not null,
    constraint role_grant_pk primary key (person_id, role, org_path)
);

create table session (
    -- SHA-256 of the token.
    token_hash bytea constraint session_pk primary key constraint session_hash_size check (length(token_hash) = 32),
    -- Staff, or else a customer.
    person_id uuid constraint session_person references person (id),
    customer_id uuid,
    language text not null,
    created_at timestamptz not null,
    -- Renewed at most once a minute.
    seen_at timestamptz not null,
    expires_at timestamptz not null,
    -- Ends when unused this long, seconds; null: only at expires_at.
    idle_s integer,
    constraint session_of_one check ((person_id is null) <> (customer_id is null))
);
create index session_person_id on session (person_id) where person_id is not null;
create index session_expires on session (expires_at);

-- Attempts to log in that have not succeeded, by SHA-256 of the log-in name (people type passwords there).
create table log_in_attempt (
    id uuid constraint log_in_attempt_pk primary key,
    login_key bytea not null,
    at timestamptz not null
);
create index log_in_attempt_key on log_in_attempt (login_key, at);
create index log_in_attempt_at on log_in_attempt (at);

-- One-time codes of customers. The rows not sent yet are the queue of the sender.
create table code (
    id uuid constraint code_pk primary key,
    customer_id uuid not null,
    contact_id uuid not null,
    account text not null,
    language text not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    wrong integer not null default 0,
    -- Used, given up after too many wrong tries, or replaced by a newer one.
    ended_at timestamptz,
    sent_at timestamptz,
    try_at timestamptz not null
);
create unique index code_one_live on code (customer_id) where ended_at is null;
create index code_account on code (account, created_at desc) where ended_at is null;
create index code_customer on code (customer_id, created_at);
create index code_unsent on code (try_at) where sent_at is null and ended_at is null;
create index code_created on code (created_at);
