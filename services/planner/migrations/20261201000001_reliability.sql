-- An important customer with several supplies who is down to one (operations.md O23): who was told, what they answered, to whom
-- silence went. The row stays as the archive.
create table reliability_warning (
    id uuid constraint reliability_warning_pk primary key,
    number text not null constraint reliability_warning_number_unique unique,
    version bigint not null constraint reliability_warning_version_positive check (version > 0),
    customer_id uuid not null,
    org_path text not null,
    -- IANA zone of the place.
    zone text not null,
    -- Supplies they have as the network is drawn, and with supply when it was last looked at.
    supplies integer not null constraint reliability_warning_supplies check (supplies > 1),
    supplied integer not null constraint reliability_warning_supplied check (supplied between 0 and supplies),
    -- Streets of the supplies that are off; of all where the ones left hang on one feeder.
    area_zh text not null,
    area_en text not null,
    -- What was switched, and what for, when that is known: incident, outage, safety, customer_request.
    device_id text not null,
    basis_kind text not null,
    basis_id uuid,
    since_at timestamptz not null,
    -- When the notice was ordered, and proof that it reached them.
    told_at timestamptz,
    served_at timestamptz,
    served_channel text,
    acknowledged_at timestamptz,
    acknowledged_by text,
    acknowledged_channel text constraint reliability_warning_channel_word
        check (acknowledged_channel in ('call', 'visit', 'esign')),
    -- Verbatim.
    text text,
    escalated_to text constraint reliability_warning_escalated_word check (escalated_to in ('account_manager', 'duty_manager')),
    escalated_at timestamptz,
    closed_at timestamptz,
    closed_by text,
    note text,
    ended_at timestamptz,
    -- restored: several supplies again; off: none is left, which is an outage; gone: no such customer any more.
    ended_as text constraint reliability_warning_ended_word check (ended_as in ('restored', 'off', 'gone')),
    constraint reliability_warning_served check ((served_at is null) = (served_channel is null)),
    constraint reliability_warning_acknowledged check (num_nulls(acknowledged_at, acknowledged_by, acknowledged_channel, text) in (0, 4)),
    constraint reliability_warning_escalated check ((escalated_to is null) = (escalated_at is null)),
    constraint reliability_warning_closed check (num_nulls(closed_at, closed_by, note) in (0, 3)
        and (closed_by is null or escalated_to is not distinct from 'duty_manager')),
    constraint reliability_warning_ended check ((ended_at is null) = (ended_as is null))
);
-- One at a time for a customer.
create unique index reliability_warning_open on reliability_warning (customer_id) where ended_at is null;
