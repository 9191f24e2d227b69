-- Units take or return orders and give them to their crews (O26); a crew has members, who hold qualifications, and
-- shifts. What the hard rules of dispatch look at lives here.

create table unit (
    id uuid constraint unit_pk primary key,
    name text not null constraint unit_name_given check (name <> ''),
    org_path text not null,
    -- Org paths whose faults it is asked for first.
    area_org_paths text[] not null default '{}',
    version bigint not null default 1
);
create index unit_page on unit (name, id);

create table crew (
    id uuid constraint crew_pk primary key,
    name text not null constraint crew_name_given check (name <> ''),
    unit_id uuid not null constraint crew_unit_fk references unit (id),
    org_path text not null,
    skills text[] not null default '{}',
    -- The crew's duty phone, never a private number (O20).
    phone text not null default '',
    version bigint not null default 1,
    -- Numbers the crew's feed (crew_order.n) under the lock of this row, so that they commit in their order.
    feed bigint not null default 0,
    -- The server's clock at the last change: replicas read what changed since their last look, with an overlap.
    changed_at timestamptz not null default clock_timestamp()
);
create index crew_unit on crew (unit_id);
create index crew_page on crew (name, id);
create index crew_changed on crew (changed_at);

create table crew_member (
    crew_id uuid not null constraint crew_member_crew_fk references crew (id) on delete cascade,
    person_id text not null constraint crew_member_person_given check (person_id <> ''),
    name text not null,
    leader boolean not null,
    constraint crew_member_pk primary key (crew_id, person_id)
);
create unique index crew_member_one_leader on crew_member (crew_id) where leader;
create index crew_member_person on crew_member (person_id);

create table qualification (
    crew_id uuid not null,
    person_id text not null,
    skill text not null constraint qualification_skill_given check (skill <> ''),
    valid_until timestamptz not null,
    constraint qualification_pk primary key (crew_id, person_id, skill),
    constraint qualification_member_fk foreign key (crew_id, person_id) references crew_member (crew_id, person_id) on delete cascade
);

create table shift (
    crew_id uuid not null constraint shift_crew_fk references crew (id) on delete cascade,
    starts_at timestamptz not null,
    ends_at timestamptz not null,
    constraint shift_pk primary key (crew_id, starts_at),
    constraint shift_length check (ends_at > starts_at and ends_at <= starts_at + interval '24 hours')
);
