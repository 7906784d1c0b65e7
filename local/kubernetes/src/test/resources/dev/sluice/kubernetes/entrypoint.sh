#!/bin/sh
# What the entry point of Spark's own image does for the argument `executor`, which Spark gives to the pods that it makes: a JVM,
# of what Spark says in the environment. Anything else is a command.
set -eu
[ "${1-}" = executor ] || exec "$@"
set --
n=0
while eval "option=\${SPARK_JAVA_OPT_$n-}" && [ -n "$option" ]; do
  set -- "$@" "$option"
  n=$((n + 1))
done
exec /opt/java/openjdk/bin/java "$@" "-Xms$SPARK_EXECUTOR_MEMORY" "-Xmx$SPARK_EXECUTOR_MEMORY" \
  -cp "${SPARK_CLASSPATH:+$SPARK_CLASSPATH:}/opt/spark/jars/*" \
  org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend \
  --driver-url "$SPARK_DRIVER_URL" \
  --executor-id "$SPARK_EXECUTOR_ID" \
  --cores "$SPARK_EXECUTOR_CORES" \
  --app-id "$SPARK_APPLICATION_ID" \
  --hostname "$SPARK_EXECUTOR_POD_IP" \
  --resourceProfileId "$SPARK_RESOURCE_PROFILE_ID" \
  --podName "$SPARK_EXECUTOR_POD_NAME"
