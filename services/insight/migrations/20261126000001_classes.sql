-- Every reason to be off has its class: an unpaid bill, a switching for safety or at the customer's request too.
alter table incident_view drop constraint incident_view_class;
alter table incident_view add constraint incident_view_class
    check (class in ('FAULT', 'PLANNED', 'TEMPORARY', 'CURTAILMENT', 'SAFETY', 'ARREARS', 'CUSTOMER_REQUEST'));
alter table interruption_open drop constraint interruption_open_class;
alter table interruption_open add constraint interruption_open_class
    check (class in ('FAULT', 'PLANNED', 'TEMPORARY', 'CURTAILMENT', 'SAFETY', 'ARREARS', 'CUSTOMER_REQUEST'));

-- Somebody is off and nothing says why (operations.md O17). Watched for a moment, since the reason may be on its way; then
-- raised, and settled by a person.
create table ledger_exception (
    id uuid constraint ledger_exception_pk primary key,
    kind text not null constraint ledger_exception_kind check (kind in ('switching', 'signal')),
    device_id text not null,
    org_path text not null,
    off_at timestamptz not null,
    -- When the ledger heard of it: the limit runs from here.
    noted_at timestamptz not null,
    -- explained: a reason came, or supply did, before it was raised.
    state text not null constraint ledger_exception_state check (state in ('watched', 'explained', 'open', 'settled')),
    raised_at timestamptz,
    -- Customers without a reason when it was raised.
    customers integer not null default 0,
    settled_at timestamptz,
    settled_by text,
    note text not null default '',
    version bigint not null default 0,
    constraint ledger_exception_raised check ((state in ('open', 'settled')) = (raised_at is not null)),
    constraint ledger_exception_settled check ((state = 'settled') = (settled_at is not null and settled_by is not null))
);
create index ledger_exception_list on ledger_exception (raised_at desc, id desc) where raised_at is not null;
create index ledger_exception_watched on ledger_exception (noted_at) where state = 'watched';

create table ledger_exception_member (
    exception_id uuid not null constraint ledger_exception_member_fk references ledger_exception (id),
    customer_id uuid not null,
    constraint ledger_exception_member_pk primary key (exception_id, customer_id)
);
create index ledger_exception_member_customer on ledger_exception_member (customer_id);
