-- At which voltage a customer is supplied, as the registry says it with the members of sets: interruptions are counted by it.
create table customer_voltage (
    customer_id uuid constraint customer_voltage_pk primary key,
    -- Nominal, volts; of several supplies the highest.
    voltage_v integer not null constraint customer_voltage_positive check (voltage_v > 0)
);
