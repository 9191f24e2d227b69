-- What an outage is not where it has to be by now, until somebody says that they have seen it.

create table alarm (
    id uuid constraint alarm_pk primary key,
    -- A planned or temporary outage, or a safety switch-off.
    outage_id uuid not null,
    number text not null,
    org_path text not null,
    -- The word of the event outage.alarm.
    what text not null,
    because text not null,
    off_at timestamptz not null,
    raised_at timestamptz not null,
    acknowledged_at timestamptz,
    acknowledged_by text,
    constraint alarm_acknowledged check ((acknowledged_at is null) = (acknowledged_by is null))
);
create index alarm_newest on alarm (id desc);
create index alarm_open on alarm (id desc) where acknowledged_at is null;
create index alarm_outage on alarm (outage_id, id desc);
