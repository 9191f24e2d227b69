-- What a consumer did, for the tests of the common machinery: the primary key shows anything done twice.
create table effect (
    event_id text constraint effect_pk primary key,
    subject text not null,
    version bigint not null,
    n bigint generated always as identity
);
