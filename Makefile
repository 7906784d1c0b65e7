# Sluice. `make` alone explains itself.

MVN := ./mvnw --batch-mode --no-transfer-progress
# What the build reads; a target is rebuilt when one of these is newer.
SOURCES := pom.xml $(wildcard .mvn/*) $(shell find events gateway streaming local \( -name target -o -name peers -o -name bench-results \) -prune -o -type f -print 2>/dev/null)
BUILT := target/built
SBOMS := target/sboms
CLASS_DATA := target/class-data
PEERS := target/peers
# A JVM warns, on the console of the counts, of an archive of classes that is not of its jar.
NEW_BUILD := rm -f gateway/target/*.jsa streaming/target/*.jsa && mkdir -p target && touch $(BUILT)

export RATE ?= 1000
export DURATION ?= 30
export TARGET ?= http://localhost:5000
export SCENARIO ?= single
export BATCH ?= 100
ROUNDS ?= 20
OUTAGE ?= 600
PARTS ?=
KEEP ?=

comma := ,
OF_LOCAL := java -Xmx192m -XX:+UseSerialGC -cp 'local/target/test-classes:local/target/lib/*'
BENCH := $(OF_LOCAL) dev.sluice.local.Bench

.DEFAULT_GOAL := help
.PHONY: help run-local demo replay backfill recount offload query api-key test fault-test load-test security-test bench bench-quick profile micro-bench sbom reproducible images image-test deploy-local class-data build format clean jdk wrk

help: ## this list
	@echo 'Sluice: HTTP in, Kafka through, live counts out.'
	@echo
	@grep -E '^[a-z-]+:.*## ' $(firstword $(MAKEFILE_LIST)) | sed -E 's/:[^#]*## /\t/' | awk -F'\t' '{printf "  make %-13s %s\n", $$1, $$2}'
	@echo
	@echo 'Needs a JDK 17 and nothing else; Maven and all libraries come from Maven Central.'

run-local: $(BUILT) ## broker, gateway and streaming on this machine; FRESH=1 forgets earlier runs, STORE=cassandra keeps the counts, S3=local has a place to move them to
	@exec java -Xmx64m -XX:+UseSerialGC -jar local/target/sluice-local.jar

demo: $(BUILT) ## events as a shop has them, to TARGET until Ctrl-C: a day in four minutes, bursts, some late, sent twice or broken
	@exec java -Xmx64m -XX:+UseSerialGC -cp local/target/sluice-local.jar dev.sluice.local.Demo

replay: $(BUILT) ## dead letters of DEAD_LETTER_TOPIC through again; FROM and TO, REASON=malformed,late; DRY_RUN=1 only shows what it would send
	@exec java -Xmx512m -XX:+UseSerialGC -jar streaming/target/sluice-streaming.jar replay

backfill: $(BUILT) ## counts of what was received between FROM and TO once more, with another LATENESS if need be
	@exec java -Xmx512m -XX:+UseSerialGC -jar streaming/target/sluice-streaming.jar backfill

recount: $(BUILT) ## what was received between FROM and TO counted once more and compared with the store; REPAIR=1 corrects it
	@exec java -Xmx512m -XX:+UseSerialGC -jar streaming/target/sluice-streaming.jar recount

offload: $(BUILT) ## counts from Cassandra on to Iceberg (OFFLOAD_FORMAT=parquet or mongodb); DRY_RUN=1 only shows what it would move
	@exec java -Xmx512m -XX:+UseSerialGC -jar streaming/target/sluice-lake.jar offload

query: $(BUILT) ## SQL="SELECT ..." over what Cassandra has and what was moved, as one table: counts
	@exec java -Xmx512m -XX:+UseSerialGC -jar streaming/target/sluice-lake.jar query

api-key: $(BUILT) ## NAME=shop: a key for one who sends, added to API_KEYS_FILE; TYPES=purchase.*,page_view, EXPIRES=2027-01-01T00:00:00Z, EVENTS_PER_SECOND=1000 and BYTES_PER_SECOND=1000000 narrow it
	@java -cp gateway/target/sluice-gateway.jar dev.sluice.gateway.NewApiKey

test: jdk ## everything that can be checked: format, warnings, licences, unit, property and end-to-end tests
	$(MVN) -Pbrowser verify
	@$(NEW_BUILD) $(SBOMS)

fault-test: jdk ## what make test injects, ROUNDS times as often; report in local/target/fault-test/report.md
	@rm -rf local/target/fault-test
	$(MVN) verify -Dtest=none -Dsurefire.failIfNoSpecifiedTests=false -Dit.test='FaultIT,BrokerTroubleIT,OutageIT,StreamingFaultIT,StoreIT' -Dfailsafe.failIfNoSpecifiedTests=false \
	  -Dfault.rounds=$(ROUNDS) -Dfault.stuck.seconds=30 -Doutage.measured=true -Doutage.seconds=$(OUTAGE) -Doutage.spooled.seconds=300 -Dstore.outage.seconds=120
	@cat local/target/fault-test/report.md local/target/fault-test/streaming.md

load-test: $(BUILT) ## RATE events a second for DURATION seconds to TARGET; SCENARIO=single, batch, ndjson or cloudevents; report in local/target/load-test
	@java -Xmx512m --add-opens java.base/java.lang=ALL-UNNAMED -cp 'local/target/test-classes:local/target/gatling/*' io.gatling.app.Gatling \
	  --simulation dev.sluice.local.LoadTest --results-folder local/target/load-test

security-test: ## what slowhttptest and testssl (apt-get install slowhttptest testssl.sh) find in a gateway that runs, TARGET=https://localhost:5000; five minutes
	@local/security-test $(or $(TARGET),http://localhost:5000)

bench: $(CLASS_DATA) $(PEERS) wrk ## each part against what bounds it and against its peers, in about three quarters of an hour; PARTS=gateway,streaming,freshness,sizing,ids,readers,offload; report in local/target/bench
	@$(BENCH) $(subst $(comma), ,$(PARTS))

bench-quick: $(CLASS_DATA) wrk ## the same in less than 5 minutes, with fewer rounds; fails where a ratio is far worse than those kept, KEEP=1 keeps it
	@$(BENCH) quick $(if $(KEEP),keep) $(subst $(comma), ,$(PARTS))

profile: $(CLASS_DATA) wrk ## where CPU and memory of gateway and streaming go: flame graphs and recordings in local/target/profile
	@$(OF_LOCAL) dev.sluice.local.Profile

micro-bench: jdk ## what validation, splitting and admission of an event cost, in events/s and bytes; JSON in gateway/target
	@$(MVN) -q -Pjmh -DskipTests -pl events,gateway package

sbom: $(SBOMS) ## the libraries that gateway and streaming ship, with hashes and licences, as CycloneDX
	@ls gateway/target/*.cdx.json streaming/target/*.cdx.json

reproducible: jdk ## builds what is shipped twice, in two folders and time zones, and compares the bytes
	@local/reproducible

images: $(SBOMS) ## images of gateway and streaming, as tar files or to REGISTRY=registry.example/team; BASE=own takes nothing from a registry
	@java -cp 'local/kubernetes/target/sluice-kubernetes.jar:local/kubernetes/target/lib/*' dev.sluice.kubernetes.Images

image-test: ## both images as containers of podman, within the limits of the manifests: events in, counts out, and an end in time
	@$(MAKE) --no-print-directory images BASE=own
	$(MVN) -Pimages -pl events,local/s3,local/executors,local/kubernetes verify -Dtest=none -Dsurefire.failIfNoSpecifiedTests=false

deploy-local: ## a whole system on the kind or minikube that kubectl talks to
	@$(MAKE) --no-print-directory images
	@k8s/deploy-local

class-data: $(CLASS_DATA) ## archives of the classes, with which run-local starts sooner

build: $(BUILT) ## the artifacts, without tests

format: jdk ## source code, as the build checks it
	$(MVN) -q -Pbrowser spotless:apply

clean: ## everything that a build made; the data of run-local in .sluice stays
	rm -rf target events/target gateway/target streaming/target local/target local/cassandra/target local/s3/target local/peers/target local/kubernetes/target

$(BUILT): $(SOURCES) | jdk
	@echo 'Building Sluice; the first time fetches its libraries, which takes some minutes.'
	$(MVN) -DskipTests package
	@$(NEW_BUILD)

$(SBOMS): $(SOURCES) | jdk
	@echo 'Building Sluice and what it is made of.'
	$(MVN) -DskipTests -DskipITs verify
	@$(NEW_BUILD) $(SBOMS)

$(CLASS_DATA): $(BUILT)
	@echo 'Running gateway and streaming once, to note down their classes: half a minute.'
	@$(OF_LOCAL) dev.sluice.local.ClassData
	@touch $@

$(PEERS): pom.xml $(shell find local/peers -name target -prune -o -type f -print 2>/dev/null) | jdk
	@echo 'Building the peers; the first time fetches Flink and Kafka Streams.'
	$(MVN) -q -Ppeers -DskipTests -pl local/peers package
	@mkdir -p $(dir $@) && touch $@

jdk:
	@command -v javac >/dev/null || { echo 'No javac found: install a JDK 17 and put its bin on the PATH.'; exit 1; }
	@v=$$(java -XshowSettings:properties -version 2>&1 | sed -n 's/.*java.specification.version = //p'); \
	  [ "$$v" = 17 ] || { echo "Java $$v is on the PATH: Sluice needs JDK 17 (Spark 3.5 runs on no newer one)."; exit 1; }
	@[ -z "$$JAVA_HOME" ] || "$$JAVA_HOME/bin/javac" -version 2>&1 | grep -q ' 17' || \
	  { echo "JAVA_HOME=$$JAVA_HOME is no JDK 17: point it at one, or unset it."; exit 1; }

wrk:
	@command -v wrk >/dev/null || { [ "$$(id -u)" = 0 ] && apt-get install -y wrk || sudo apt-get install -y wrk; } || \
	  { echo 'No wrk found, and no package of that name: install it from https://github.com/wg/wrk.'; exit 1; }
