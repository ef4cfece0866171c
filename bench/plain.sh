#!/bin/sh
# The steps of one notebook by kubectl and docker alone: `sh bench/plain.sh 03`, in the repository's root, on a cluster in
# the state in which that notebook begins. The same commands, the same waits, and no delay that the notebook has not.
# Needs KUBECONFIG; NAME, the cluster's; PROBER, the program that sends requests to a Service from inside; and the
# images PYTHON_BASE, JDK_BASE, DEBIAN_BASE.
set -eu
scratch=$(mktemp -d)
background=''
trap 'for one in $background; do kill "$one" 2>/dev/null || true; done; rm -rf "$scratch"' EXIT

# ———— what a person would have as habits
reachable() { kubectl wait node --all --for=condition=Ready --timeout=180s; }
until_true() { until "$@"; do sleep 0.2; done; }
for_at_most() { # SECONDS COMMAND…: repeat it, then go on even if it fails
  end=$(($(date +%s) + $1))
  shift
  until "$@" || [ "$(date +%s)" -ge "$end" ]; do sleep 0.2; done
}
number_of_pods() { [ "$(kubectl get pods -l "$1" -o name | wc -l)" -eq "$2" ]; }
rollout() { # DEPLOYMENT SELECTOR PODS: also until the old Pods are gone, as the next table shows
  kubectl rollout status "deployment/$1" --timeout=180s
  until_true number_of_pods "$2" "$3"
}
webapp() { rollout webapp-deployment app=webapp "$1"; }
ready_addresses() { kubectl get endpointslices -l "kubernetes.io/service-name=$1" \
  -o 'jsonpath={.items[*].endpoints[?(@.conditions.ready==true)].addresses[0]}'; }
behind() { [ "$(ready_addresses "$1" | wc -w)" -eq "$2" ]; }
answers() { curl --silent --noproxy '*' --max-time "${3:-10}" "$1" >"$scratch/page"; grep -q "$2" "$scratch/page"; }
ask='import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1], timeout=3).read().decode())'
ask_often='import sys, urllib.request; [urllib.request.urlopen(f"{sys.argv[1]}/?request={n}") for n in range(int(sys.argv[2]))]'
look_up='import socket, sys; print(socket.gethostbyname(sys.argv[1]))'
from() { kubectl exec "$1" -- python -c "$ask" "$2" >"$scratch/page" 2>&1 && grep -q "$3" "$scratch/page"; }
inside() { from deployment/webapp-deployment "$1" "$2"; }
forwards() { # TARGET PORTS: again, if kubectl has ended because the Pod refused a connection
  kill -0 "$forward" 2>/dev/null && return
  kubectl port-forward "$1" "$2" >/dev/null &
  forward=$!
}
forwarded() { # TARGET PORTS TEXT
  forward=''
  until forwards "$1" "$2" && answers "http://127.0.0.1:${2%:*}" "$3"; do sleep 0.2; done
  kill $forward || true
  wait $forward || true
}
build() { # TAG CONTEXT ARGUMENTS…
  tag=$1 context=$2
  shift 2
  docker build --quiet --tag "$tag" --build-arg HTTP_PROXY --build-arg HTTPS_PROXY --build-arg http_proxy \
    --build-arg https_proxy --label app.kubernetes.io/managed-by=workbook "$@" "app/$context"
}
build_webapp() { # VERSION ARGUMENTS…
  version=$1
  shift
  build "web-app:$version.0" webapp --build-arg "BASE=$PYTHON_BASE" --build-arg "VERSION=v$version" "$@"
}
build_frontend() { build "$1" frontend --build-arg "JDK=$JDK_BASE" --build-arg "BASE=$DEBIAN_BASE"; }
load() { kind load docker-image "$@" --name "$NAME"; }
on_node() { docker exec "$NAME-control-plane" ctr --namespace=k8s.io images "$@"; }
images() { on_node list --quiet | grep -E 'web-app|frontend' || true; }
recorded() { # SELECTOR RESOURCE: from now on, until `record_ends`
  kubectl get "${2:-pods}" -l "$1" --watch >"$scratch/recorded-$1" &
  background="$background $!"
}
record_ends() { for one in $background; do kill "$one"; wait "$one" || true; done; background=''; }
probe() { # SECONDS until a request counts as not answered
  kubectl run prober --image=web-app:1.0 --image-pull-policy=Never --restart=Never --labels=run=prober \
    '--overrides={"spec": {"terminationGracePeriodSeconds": 1}}' --override-type=strategic \
    --command -- python -c "$PROBER" http://webservice 0.2 "${1:-1}"
  kubectl wait pod/prober --for=condition=Ready --timeout=60s
}
probe_ends() {
  sleep "${1:-1}" # the last request may still have its answer
  kubectl logs prober --tail=-1 >"$scratch/probed"
  kubectl delete pod prober
}
everything() {
  kinds=$(kubectl api-resources --namespaced --verbs=list --output=name | grep -vE '^(events|endpoints)' | paste -sd, -)
  kubectl get "$kinds" --ignore-not-found --output=name
  images
}
run_version() { kubectl get pods -l app=webapp -o 'jsonpath={.items[*].spec.containers[*].image}'; }
overview() { kubectl get deployments,statefulsets,replicasets,pods,services,endpointslices; }
tell() { kubectl describe pods -l "$1" && kubectl get events; }
exists() { [ -n "$(kubectl get pods -l "$1" -o name)" ]; }
held_up() { # SELECTOR REASON
  until_true exists "$1"
  kubectl wait pod -l "$1" --for="jsonpath={.status.containerStatuses[0].state.waiting.reason}=$2" --timeout=60s
}

# ———— the notebooks
notebook_00() {
  docker info
  reachable
  kubectl version
  kubectl get pods --namespace kube-system --selector tier=control-plane
  kubectl get pods --namespace kube-system --selector tier=control-plane -o wide
  kubectl get configmap workbook-progress --ignore-not-found -o yaml
  kubectl get pods --namespace kube-system --selector k8s-app=kube-dns
}

notebook_01() {
  reachable
  parts
  kubectl get pods --namespace kube-system -o wide
  kubectl get --raw '/api/v1/namespaces/kube-system/pods?labelSelector=tier=control-plane'
  kubectl get pods --namespace kube-system --selector tier=control-plane -o name
  kubectl get pods --namespace kube-system --selector tier=control-plane -v=6
  kubectl get pods --namespace kube-system -o 'jsonpath={.items[*].spec.containers[0].command}'
  kubectl get nodes -o wide
  kubectl get nodes -o 'jsonpath={.items[*].spec.taints}'
  kubectl get pods --namespace kube-system --selector component=etcd -o wide
  kubectl get pods --namespace kube-system --selector tier=control-plane -o wide
  kubectl get --raw "/api/v1/nodes/$NAME-control-plane/proxy/configz"
  kubectl api-resources --output=name
  kubectl get namespaces
  for _ in 1 2 3 4; do kubectl get all --namespace kube-system; done
  docker inspect --format '{{.State.Status}}' "$NAME-control-plane"
  docker stop "$NAME-control-plane"
  docker inspect --format '{{.State.Status}}' "$NAME-control-plane"
  docker start "$NAME-control-plane"
  began=$(docker inspect --format '{{.State.StartedAt}}' "$NAME-control-plane" | cut -c1-19)
  until_true kubectl get --raw /readyz
  reachable
  # What the API server says at first is what it remembers from before.
  until_true all_since "$began"
  kubectl wait pods --all --namespace kube-system --for=condition=Ready --timeout=180s
  parts
  kubectl get configmaps,storageclasses --namespace kube-system
  kubectl version
  kubectl describe pods --namespace kube-system --selector component=etcd
  kubectl get --raw /apis/apps/v1/namespaces/kube-system/deployments
  kubectl get deployments --namespace kube-system
  kubectl api-resources --namespaced=true --output=name
}
parts() {
  kubectl get pods --namespace kube-system
  kubectl get nodes -o wide
}
all_since() {
  kubectl get pods --namespace kube-system \
    -o 'jsonpath={range .items[*]}{.status.containerStatuses[0].state.running.startedAt}{"\n"}{end}' |
    awk -v began="$1" '$1 < began { early = 1 } END { exit early || !NR }'
}

notebook_02() {
  reachable
  images
  cat app/webapp/v1/app.py app/webapp/Dockerfile
  build_webapp 1 --no-cache
  load web-app:1.0
  images
  docker image inspect web-app:1.0 --format '{{.RootFS.Layers}}'
  build_webapp 1
  load web-app:1.0
  docker image inspect web-app:1.0 --format '{{.RootFS.Layers}}'
  run="docker run --rm"
  $run web-app:1.0 -c "import sys; print('Python', sys.version_info.major)"
  $run --entrypoint id web-app:1.0 -u
  $run web-app:1.0 -c "import app; print(app.app.test_client().get('/').text)"
  cat app/webapp/as-printed/Dockerfile
  $run --entrypoint sh web-app:1.0 -c "command -v python2 || echo 'no Python 2'"
  ! $run web-app:1.0 -c "print 'Welcome!'"
  $run web-app:1.0 -m pip list
  for image in web-app:1.0 web-app web-app:latest web-app:1.0-latest registry.example.com:5000/web-app \
    registry.example.com:5000/web-app:1.0; do
    kubectl run once "--image=$image" --dry-run=server -o 'jsonpath={.spec.containers[0].imagePullPolicy}'
  done
  build_webapp 2
  load web-app:2.0
  docker image inspect web-app:2.0 --format '{{.RootFS.Layers}}'
}

notebook_03() {
  reachable
  kubectl get deployments
  cat manifests/1-03-webapp-deployment.yaml
  kubectl apply --dry-run=server -f manifests/1-03-webapp-deployment.yaml
  kubectl get deployments
  kubectl apply -f manifests/1-03-webapp-deployment.yaml
  webapp 1
  kubectl get deployments
  ! kubectl apply -f manifests/as-printed/1-03-webapp-deployment.yaml
  kubectl get replicasets
  kubectl get pods
  kubectl get replicasets -o wide
  kubectl get pods -o wide
  overview
  kubectl get events
  recorded '' configmaps
  kubectl create configmap note --from-literal=text=one
  kubectl patch configmap note --patch '{"data": {"text": "two"}}'
  kubectl delete configmap note
  record_ends
  kubectl describe pods -l app=webapp
  address=$(kubectl get pods -l app=webapp -o 'jsonpath={.items[0].status.podIP}')
  for_at_most 2 answers "http://$address:5000" Welcome! 2 # not every machine reaches it
  until_true inside "http://$address:5000" Welcome!
  forwarded deployment/webapp-deployment 5000:5000 Welcome!
  kubectl logs deployment/webapp-deployment
  ! kubectl log -f webapp-deployment 5000:5000
  kubectl help
  cat manifests/webapp-pod-if-not-present.yaml
  kubectl apply -f manifests/webapp-pod-if-not-present.yaml
  kubectl wait pod/webapp-if-not-present --for=condition=Ready --timeout=30s
  kubectl delete pod webapp-if-not-present
  kubectl get deployment webapp-deployment -o 'jsonpath={.status.readyReplicas}'
  kubectl apply -f manifests/solutions/03-greeter.yaml
  rollout greeter app=greeter 2
  kubectl create deployment trial --image=web-app:1.0
  rollout trial app=trial 1
  kubectl label deployment trial team=blue
  kubectl scale deployment trial --replicas=2
  rollout trial app=trial 2
  kubectl patch deployment trial --patch '{"spec": {"template": {"metadata": {"labels": {"team": "blue"}}}}}'
  rollout trial app=trial 2
  kubectl get replicasets -l app=trial
}

notebook_04() {
  reachable
  kubectl get services
  cat manifests/1-04-webapp-service.yaml
  kubectl apply -f manifests/1-04-webapp-service.yaml
  kubectl get services
  kubectl describe service webservice
  address=$(kubectl get service webservice -o 'jsonpath={.spec.clusterIP}')
  pod=$(kubectl get pods -l app=webapp -o 'jsonpath={.items[0].status.podIP}')
  until_true behind webservice 1
  until_true inside "http://$address" Welcome!
  kubectl get endpointslices -l kubernetes.io/service-name=webservice
  cat manifests/webapp-pod-not-ready.yaml
  kubectl apply -f manifests/webapp-pod-not-ready.yaml
  kubectl wait endpointslices -l kubernetes.io/service-name=webservice --timeout=60s \
    --for='jsonpath={.endpoints[?(@.conditions.ready==false)].conditions.ready}=false'
  kubectl describe endpointslices -l kubernetes.io/service-name=webservice
  until_true behind webservice 1
  kubectl wait pod/webapp-not-ready --for='jsonpath={.status.phase}=Running' --timeout=60s
  overview
  kubectl delete -f manifests/webapp-pod-not-ready.yaml
  kubectl get pods
  until_true inside http://webservice Welcome!
  looked_up webservice
  namespace=$(kubectl config view --minify -o 'jsonpath={..namespace}')
  kubectl exec deployment/webapp-deployment -- cat /etc/resolv.conf
  kubectl get pods --namespace kube-system -l k8s-app=kube-dns
  cat manifests/webapp-service-headless.yaml
  kubectl apply -f manifests/webapp-service-headless.yaml
  until_true inside http://webservice-headless:5000 Welcome!
  looked_up webservice-headless
  kubectl delete -f manifests/webapp-service-headless.yaml
  kubectl get services
  other=$namespace-other
  kubectl create namespace "$other"
  kubectl label namespace "$other" app.kubernetes.io/managed-by=workbook
  until_true kubectl get serviceaccount default --namespace "$other"
  kubectl run visitor --namespace "$other" --image=web-app:1.0 --image-pull-policy=Never
  kubectl wait pod/visitor --namespace "$other" --for=condition=Ready --timeout=60s
  ! kubectl exec pod/visitor --namespace "$other" -- python -c "$look_up" webservice
  kubectl exec pod/visitor --namespace "$other" -- python -c "$look_up" "webservice.$namespace"
  kubectl exec pod/visitor --namespace "$other" -- python -c "$ask" "http://webservice.$namespace"
  ! kubectl create service clusterip webservice --tcp=80:5000
  kubectl create service clusterip webservice --tcp=80:5000 --namespace "$other"
  kubectl delete namespace "$other"
  kubectl get namespaces
  kubectl exec deployment/webapp-deployment -- env
  kubectl rollout restart deployment webapp-deployment
  webapp 1
  kubectl exec deployment/webapp-deployment -- env
  [ "$(kubectl get pods -l app=webapp -o 'jsonpath={.items[0].status.podIP}')" != "$pod" ]
  kubectl get service webservice -o 'jsonpath={.spec.clusterIP}'
  until_true behind webservice 1
  kubectl apply -f manifests/solutions/04-welcome.yaml
  until_true behind welcome 1
  until_true inside http://welcome:8000 Welcome!
  kubectl get endpointslices -l kubernetes.io/service-name=welcome
  kubectl create service clusterip quiet --tcp=80:5000
  kubectl set selector service quiet app=webapp
  until_true behind quiet 1
  until_true inside http://quiet Welcome!
  kubectl get endpointslices -l kubernetes.io/service-name=quiet
  looked_up "webservice.$namespace.svc"
  ! looked_up webservice.svc
  ! looked_up kubernetes
  looked_up kubernetes.default
}
looked_up() { kubectl exec deployment/webapp-deployment -- python -c "$look_up" "$1"; }

node_port() { docker port "$NAME-control-plane" 30080/tcp; }
notebook_05() {
  reachable
  kubectl get services
  kubectl get service webservice -o 'jsonpath={.spec.clusterIP}'
  until_true inside http://webservice Welcome!
  cat manifests/webapp-service-nodeport.yaml
  kubectl apply -f manifests/webapp-service-nodeport.yaml
  kubectl get services
  ! kubectl patch service webservice --patch '{"spec": {"ports": [{"port": 80, "nodePort": 8080}]}}'
  until_true answers "http://$(node_port)" Welcome!
  kubectl get service webservice -o 'jsonpath={.spec.clusterIP}'
  cat manifests/whoami-deployment.yaml
  kubectl apply -f manifests/whoami-deployment.yaml -f manifests/whoami-service.yaml
  rollout whoami app=whoami 2
  for pod in $(kubectl get pods -l app=whoami -o 'jsonpath={.items[*].metadata.name}'); do
    until_true from deployment/whoami http://whoami "$pod"
  done
  kubectl exec deployment/whoami -- python -c "$ask_often" http://whoami 20
  kubectl delete -f manifests/whoami-deployment.yaml -f manifests/whoami-service.yaml --cascade=foreground
  kubectl get services
  cat manifests/1-05-webapp-service-loadbalancer.yaml
  kubectl apply -f manifests/1-05-webapp-service-loadbalancer.yaml
  kubectl get services
  until_true answers "http://$(node_port)" Welcome!
  cat manifests/1-06-database-external-name.yaml
  kubectl apply -f manifests/1-06-database-external-name.yaml
  kubectl get services
  ! kubectl exec deployment/webapp-deployment -- python -c "$look_up" db1 # its CNAME leads to a name that does not exist
  ! kubectl apply -f manifests/as-printed/1-07-external-ip-service.yaml
  kubectl get services
  cat manifests/1-07-external-ip-service.yaml
  kubectl apply -f manifests/1-07-external-ip-service.yaml
  kubectl get services
  kubectl apply -f manifests/solutions/05-webapp-service.yaml
  kubectl get service webservice -o json
  namespace=$(kubectl config view --minify -o 'jsonpath={..namespace}')
  kubectl create service externalname homepage "--external-name=webservice.$namespace.svc.cluster.local"
  kubectl get endpointslices -l kubernetes.io/service-name=webservice
  until_true inside http://homepage Welcome!
}

notebook_06() {
  reachable
  kubectl get deployments
  kubectl scale --replicas=2 deployment webapp-deployment
  until_true behind webservice 2
  webapp 2
  kubectl get deployments
  kubectl get pods
  kubectl get pods -o wide
  for address in $(ready_addresses webservice); do until_true inside "http://$address:5000" Welcome; done
  kubectl exec deployment/webapp-deployment -- python -c "$ask_often" http://webservice 20
  kubectl logs --selector app=webapp --prefix --tail=-1
  victim=$(kubectl get pods -o 'jsonpath={.items[0].metadata.name}')
  recorded app=webapp
  kubectl delete pod "$victim"
  webapp 2
  record_ends
  kubectl get pods
  kubectl get pods -o wide
  kubectl get replicasets -o wide
  cat manifests/replicaset-set-based.yaml
  kubectl apply -f manifests/pod-silver.yaml
  kubectl wait pod/silver --for=condition=Ready --timeout=60s
  kubectl apply -f manifests/replicaset-set-based.yaml
  until_true number_of_pods 'tier in (gold, silver)' 2
  kubectl wait pods -l 'tier in (gold, silver)' --for=condition=Ready --timeout=60s
  kubectl get pods -l 'tier in (gold, silver)'
  ! kubectl apply -f manifests/replicationcontroller-set-based.yaml
  kubectl get pod silver -o 'jsonpath={.metadata.ownerReferences[0].name}'
  kubectl get replicationcontrollers -o name
  kubectl delete -f manifests/replicaset-set-based.yaml --cascade=foreground
  kubectl get pods
  victim=$(kubectl get pods -o 'jsonpath={.items[0].metadata.name}')
  kubectl delete pod "$victim" --grace-period=0 --force
  webapp 2
  kubectl wait pods -l app=webapp --for=condition=Ready --timeout=60s
  cat manifests/pod-that-ends-slowly.yaml
  kubectl apply -f manifests/pod-that-ends-slowly.yaml
  kubectl wait pod/ends-slowly --for=condition=Ready --timeout=60s
  kubectl delete pod ends-slowly
  kubectl apply -f manifests/pod-that-ends-slowly.yaml
  kubectl wait pod/ends-slowly --for=condition=Ready --timeout=60s
  kubectl delete pod ends-slowly --grace-period=0 --force
  kubectl apply -f manifests/1-03-webapp-deployment.yaml
  webapp 1
  kubectl get deployments
  kubectl apply -f manifests/solutions/06-webapp-deployment.yaml
  webapp 3
  kubectl delete replicaset -l app=webapp --cascade=foreground
  webapp 3
  kubectl get pods
  victim=$(kubectl get pods -l app=webapp -o 'jsonpath={.items[0].metadata.name}')
  kubectl label pod "$victim" app=examined --overwrite
  webapp 3
  kubectl wait pods -l app=webapp --for=condition=Ready --timeout=60s
  kubectl get pods
  kubectl get endpointslices -l kubernetes.io/service-name=webservice
}

notebook_07() {
  reachable
  kubectl get services
  cat app/frontend/src/frontend/Backend.java app/frontend/Dockerfile
  build_frontend frontend-app:1.0
  load frontend-app:1.0
  images
  cat manifests/1-08-frontend-deployment.yaml
  kubectl apply -f manifests/1-08-frontend-deployment.yaml
  held_up app=frontend ErrImageNeverPull
  kubectl get pods -l app=frontend
  kubectl get replicasets -l app=frontend
  kubectl get deployments
  kubectl describe pods -l app=frontend
  build_frontend frontend:1.0
  load frontend:1.0
  rollout frontend-deployment app=frontend 1
  kubectl get deployments
  cat manifests/1-09-frontend-service.yaml
  kubectl apply -f manifests/1-09-frontend-service.yaml
  kubectl get services
  overview
  forwarded service/frontendservice 8080:80 '>Welcome!</p>'
  kubectl scale --replicas=0 deployment webapp-deployment
  webapp 0
  kubectl get deployments
  forwarded service/frontendservice 8080:80 ERROR
  kubectl logs deployment/frontend-deployment
  kubectl logs deployment/frontend-deployment
  kubectl scale --replicas=1 deployment webapp-deployment
  webapp 1
  forwarded service/frontendservice 8080:80 '>Welcome!</p>'
  kubectl logs deployment/webapp-deployment
  kubectl get pods -o wide
  kubectl apply -f manifests/changed-by-a-colleague.yaml
  until_true inside http://frontendservice ERROR
  kubectl get deployments
  kubectl get endpointslices -l kubernetes.io/service-name=webservice
  kubectl apply -f manifests/1-04-webapp-service.yaml
  until_true inside http://frontendservice '>Welcome!</p>'
  kubectl get pods -o wide
  kubectl get endpointslices -l kubernetes.io/service-name=webservice
  inside http://frontendservice '>Welcome!</p>'
}

replace_all() { # SURGE UNAVAILABLE
  recorded app=webapp
  kubectl patch deployment webapp-deployment \
    --patch "{\"spec\": {\"strategy\": {\"rollingUpdate\": {\"maxSurge\": $1, \"maxUnavailable\": $2}}}}"
  kubectl rollout restart deployment webapp-deployment
  webapp 4
  record_ends
}
noted() { kubectl get replicasets -l app=webapp -o yaml | grep -q 'change-cause: greet the user'; }
notebook_08() {
  reachable
  kubectl get deployments
  cat app/webapp/v2/app.py
  build_webapp 2
  load web-app:2.0
  cat manifests/1-11-webapp-deployment-v2.yaml
  kubectl get replicasets -l app=webapp
  recorded app=webapp
  kubectl apply -f manifests/1-11-webapp-deployment-v2.yaml
  webapp 1
  record_ends
  overview
  forwarded service/frontendservice 8080:80 'current time is'
  kubectl get replicasets -l app=webapp
  kubectl get replicasets -l app=webapp -o wide
  kubectl rollout history deployment/webapp-deployment
  kubectl annotate deployment/webapp-deployment kubernetes.io/change-cause="greet the user"
  until_true noted
  kubectl rollout history deployment/webapp-deployment
  kubectl rollout undo deployment/webapp-deployment
  webapp 1
  until_true inside http://webservice Welcome!
  kubectl rollout history deployment/webapp-deployment
  kubectl rollout undo deployment/webapp-deployment
  webapp 1
  kubectl rollout history deployment/webapp-deployment
  kubectl get deployment webapp-deployment -o 'jsonpath={.spec.strategy}'
  kubectl scale --replicas=4 deployment webapp-deployment
  webapp 4
  replace_all 1 0
  replace_all 0 1
  replace_all '"100%"' 0
  kubectl apply -f manifests/solutions/08-webapp-deployment.yaml
  webapp 4
  run_version
  kubectl get deployment webapp-deployment -o 'jsonpath={.spec.strategy.rollingUpdate}'
  kubectl delete deployment webapp-deployment --cascade=foreground
  kubectl apply -f manifests/1-03-webapp-deployment.yaml
  webapp 1
  kubectl apply -f manifests/1-11-webapp-deployment-v2.yaml
  webapp 1
  kubectl rollout restart deployment webapp-deployment
  webapp 1
  kubectl rollout undo deployment/webapp-deployment --to-revision=1
  webapp 1
  kubectl rollout history deployment/webapp-deployment
  run_version
  kubectl get replicasets -l app=webapp
}

notebook_09() {
  reachable
  kubectl get pods
  cat app/webapp/v3/app.py manifests/webapp-deployment-v3-without-probe.yaml
  build_webapp 3
  load web-app:3.0
  probe
  recorded app=webapp
  kubectl apply -f manifests/webapp-deployment-v3-without-probe.yaml
  webapp 1
  kubectl apply -f manifests/ready-between-probes.yaml -f manifests/ready-after-delay.yaml
  kubectl apply -f manifests/ready-by-startup-probe.yaml -f manifests/webapp-deployment-v3-startup.yaml
  forwarded service/frontendservice 8080:80 'ERROR RECEIVED'
  forwarded service/frontendservice 8080:80 'in v3'
  record_ends
  probe_ends
  kubectl get pods
  kubectl apply -f manifests/1-11-webapp-deployment-v2.yaml
  webapp 1
  cat manifests/1-13-webapp-deployment-v3.yaml
  probe
  recorded app=webapp
  kubectl apply -f manifests/1-13-webapp-deployment-v3.yaml
  webapp 1
  forwarded service/frontendservice 8080:80 'in v3'
  record_ends
  probe_ends
  cat manifests/ready-by-startup-probe.yaml manifests/webapp-deployment-v3-startup.yaml
  for one in webapp between-probes after-delay by-startup-probe webapp-v3-startup; do ready_times "app=$one"; done
  kubectl delete deployment between-probes after-delay by-startup-probe webapp-v3-startup
  kubectl get events
  run_version
  kubectl apply -f manifests/solutions/09-webapp-deployment-v2.yaml
  webapp 1
  run_version
  ready_times app=webapp
  kubectl apply -f manifests/solutions/09-webapp-quick.yaml
  rollout webapp-quick app=webapp-quick 1
  kubectl get pods -l app=webapp-quick
}
ready_times() {
  kubectl get pods -l "$1" -o 'jsonpath={.items[0].status.containerStatuses[0].state.running.startedAt}'
  kubectl get pods -l "$1" -o 'jsonpath={.items[0].status.conditions[?(@.type=="Ready")].lastTransitionTime}'
}

notebook_10() {
  reachable
  kubectl get pods
  cat app/webapp/v4/app.py manifests/1-15-webapp-deployment-v4.yaml manifests/webapp-deployment-v4-startup.yaml \
    app/webapp/v5/app.py manifests/webapp-deployment-v5.yaml manifests/pod-that-exits.yaml
  build_webapp 4
  load web-app:4.0
  build_webapp 5
  load web-app:5.0
  probe
  recorded app=webapp
  recorded app=webapp-v4-two
  recorded app=webapp-v4-startup
  recorded app=webapp-v5
  recorded app=pod-that-exits
  kubectl apply -f manifests/1-15-webapp-deployment-v4.yaml -f manifests/webapp-deployment-v4-two.yaml
  kubectl apply -f manifests/webapp-deployment-v4-startup.yaml
  kubectl apply -f manifests/webapp-deployment-v5.yaml -f manifests/pod-that-exits.yaml
  webapp 1
  kubectl get pods -l app=webapp
  kubectl wait pod -l app=webapp --for='jsonpath={.status.containerStatuses[0].restartCount}=1' --timeout=120s
  kubectl wait pod -l app=webapp --for=condition=Ready --timeout=120s
  record_ends
  probe_ends
  kubectl get pods -l app=webapp
  kubectl get pods -l app=webapp -o 'jsonpath={.items[0].status.containerStatuses[0].lastState.terminated.reason}'
  kubectl get events
  kubectl get events
  kubectl get pods -l app=pod-that-exits
  kubectl logs pod-that-exits
  kubectl delete -f manifests/webapp-deployment-v4-two.yaml -f manifests/webapp-deployment-v4-startup.yaml \
    -f manifests/webapp-deployment-v5.yaml -f manifests/pod-that-exits.yaml
  kubectl apply -f manifests/1-11-webapp-deployment-v2.yaml
  webapp 1
  kubectl run once --image=web-app:1.0 --image-pull-policy=Never --restart=Never \
    --command -- python -c 'raise SystemExit(3)'
  kubectl wait pod/once --for='jsonpath={.status.phase}=Failed' --timeout=60s
  kubectl get pods -l run=once
  kubectl delete pod once
  kubectl apply -f manifests/solutions/10-slow-start.yaml
  rollout slow-start app=slow-start 1
  kubectl apply -f manifests/solutions/10-busy.yaml
  rollout busy app=busy 1
}

notebook_11() {
  reachable
  kubectl get pods
  cat manifests/webapp-deployment-broken.yaml
  probe
  recorded app=webapp
  kubectl apply -f manifests/webapp-deployment-broken.yaml
  webapp 1
  forwarded service/frontendservice 8080:80 'ERROR RECEIVED'
  kubectl rollout undo deployment/webapp-deployment
  forwarded service/frontendservice 8080:80 'current time is'
  record_ends
  probe_ends
  webapp 1
  cat manifests/webapp-deployment-broken-with-probe.yaml
  ready_addresses webservice
  probe 3
  kubectl apply -f manifests/webapp-deployment-broken-with-probe.yaml
  kubectl wait deployment/webapp-deployment --for=condition=Progressing=False --timeout=60s
  probe_ends 3
  kubectl get pods -l app=webapp
  kubectl get deployment webapp-deployment -o 'jsonpath={.status.conditions[?(@.type=="Progressing")].reason}'
  ! kubectl rollout status deployment/webapp-deployment || exit 1
  ready_addresses webservice
  kubectl get deployments
  tell app=webapp
  kubectl rollout undo deployment/webapp-deployment
  kubectl wait deployment/webapp-deployment --for=condition=Progressing=True --timeout=60s
  webapp 1
  cat manifests/webapp-deployment-v2-two.yaml
  kubectl apply -f manifests/webapp-deployment-v2-two.yaml
  webapp 2
  set -- $(kubectl get pods -l app=webapp -o 'jsonpath={.items[*].metadata.name}')
  probe 3
  kubectl exec "$1" -- touch /var/tmp/unready
  until_true behind webservice 1
  probe_ends 3
  kubectl get pods -l app=webapp
  kubectl get pod "$2" -o 'jsonpath={.status.podIP}'
  kubectl exec "$1" -- python -c \
    "from urllib.request import urlopen; [urlopen('http://webservice/?later=%d' % n) for n in range(20)]"
  kubectl logs -l app=webapp --prefix --tail=-1 >"$scratch/logs"
  kubectl exec "$2" -- touch /var/tmp/unready
  until_true behind webservice 0
  forwarded service/frontendservice 8080:80 'ERROR RECEIVED'
  for one in "$1" "$2"; do kubectl exec "$one" -- rm /var/tmp/unready; done
  kubectl wait pod -l app=webapp --for=condition=Ready --timeout=120s
  kubectl get pods -l app=webapp
  cat manifests/webapp-deployment-v2-graceful.yaml
  kubectl apply -f manifests/webapp-deployment-v2-graceful.yaml
  webapp 2
  probe 3
  recorded app=webapp
  kubectl rollout restart deployment/webapp-deployment
  webapp 2
  record_ends
  probe_ends 3
  kubectl apply -f manifests/1-11-webapp-deployment-v2.yaml
  webapp 1
  kubectl apply -f manifests/solutions/11-webapp-deployment.yaml
  webapp 1
  kubectl get pods -l app=webapp
  kubectl apply -f manifests/webapp-four.yaml
  rollout webapp-four app=webapp-four 4
  kubectl apply -f manifests/webapp-four-broken.yaml
  kubectl wait deployment/webapp-four --for='jsonpath={.status.updatedReplicas}=2' --timeout=60s
  kubectl wait deployment/webapp-four --for='jsonpath={.status.readyReplicas}=3' --timeout=60s
  kubectl get replicasets -l app=webapp-four
}

notebook_12() {
  reachable
  kubectl get pods
  cat manifests/pod-two-containers.yaml
  kubectl apply -f manifests/pod-two-containers.yaml
  kubectl wait pod/two-containers --for=condition=Ready --timeout=60s
  kubectl get pods -l app=two-containers
  kubectl exec two-containers --container web -- ls /pages
  kubectl exec two-containers --container writer -- ls /pages || true
  kubectl exec two-containers --container writer -- python -c "$ask" http://localhost:5000
  for container in web writer; do
    kubectl exec two-containers --container "$container" -- hostname -i
    kubectl logs two-containers --container "$container"
  done
  cat manifests/pod-out-of-memory.yaml
  kubectl apply -f manifests/pod-out-of-memory.yaml
  kubectl wait pod/out-of-memory --timeout=90s \
    --for='jsonpath={.status.containerStatuses[0].lastState.terminated.reason}=OOMKilled'
  kubectl get pod out-of-memory -o 'jsonpath={.status.containerStatuses[0].lastState.terminated.exitCode}'
  cat manifests/pod-with-gpu.yaml
  kubectl apply -f manifests/pod-with-gpu.yaml
  unschedulable app=with-gpu
  kubectl get pod out-of-memory -o 'jsonpath={.spec.nodeName}'
  tell app=with-gpu
  kubectl delete pod out-of-memory with-gpu
  cat manifests/statefulset.yaml manifests/statefulset-service.yaml
  kubectl apply -f manifests/statefulset-service.yaml -f manifests/statefulset.yaml
  notes 1
  kubectl exec notes-0 -- sh -c 'echo remember this > /data/note'
  kubectl delete pod notes-0
  notes 1
  kubectl exec notes-0 -- cat /data/note
  until_true inside http://notes-0.notes:5000/note remember
  kubectl get persistentvolumeclaims
  on_the_node run --detach docker.io/library/web-app:1.0 stranger
  on_the_node tasks list
  kubectl get --raw "/api/v1/nodes/$NAME-control-plane/proxy/runningpods/"
  writer=$(kubectl get pod two-containers -o 'jsonpath={.status.containerStatuses[?(@.name=="writer")].containerID}')
  on_the_node tasks delete --force stranger
  on_the_node containers delete stranger
  on_the_node tasks kill --signal SIGKILL "${writer#*://}"
  kubectl wait pod/two-containers --for='jsonpath={.status.containerStatuses[1].restartCount}=1' --timeout=60s
  kubectl wait pod/two-containers --for=condition=Ready --timeout=60s
  on_the_node tasks list
  kubectl scale statefulset notes --replicas=2
  notes 2
  kubectl exec notes-1 -- sh -c 'echo a second note > /data/note'
  kubectl scale statefulset notes --replicas=1
  notes 1
  kubectl get persistentvolumeclaims
  kubectl scale statefulset notes --replicas=2
  notes 2
  kubectl exec notes-1 -- cat /data/note
  kubectl apply -f manifests/solutions/12-prepared.yaml
  rollout prepared app=prepared 1
  kubectl apply -f manifests/solutions/12-hungry.yaml
  rollout hungry app=hungry 1
  kubectl get pods
}
notes() { kubectl rollout status statefulset/notes --timeout=60s && until_true number_of_pods app=notes "$1"; }
on_the_node() { docker exec "$NAME-control-plane" ctr --namespace=k8s.io "$@"; }

solved() { # MANIFEST of a Deployment
  name=$(basename "$1" .yaml)
  tell "app=$name"
  tell "app=$name"
  kubectl apply -f "$1"
  rollout "$name" "app=$name" 1
  kubectl get pods -l "app=$name"
}
unschedulable() {
  until_true exists "$1"
  kubectl wait pod -l "$1" --for=condition=PodScheduled=False --timeout=60s
}
notebook_13() {
  reachable
  kubectl apply -f manifests/puzzles
  until_true restarted app=puzzle-3 2
  kubectl get pods
  held_up app=puzzle-1 ErrImageNeverPull
  kubectl get pods -l app=puzzle-1
  images
  solved manifests/solutions/puzzle-1.yaml
  held_up app=puzzle-2 ImagePullBackOff
  solved manifests/solutions/puzzle-2.yaml
  kubectl logs deployment/puzzle-3
  solved manifests/solutions/puzzle-3.yaml
  until_true from deployment/puzzle-3 http://localhost:5000 Welcome
  solved manifests/solutions/puzzle-4.yaml
  solved manifests/solutions/puzzle-5.yaml
  kubectl get persistentvolumeclaims
  solved manifests/solutions/puzzle-6.yaml
  kubectl logs deployment/puzzle-7
  solved manifests/solutions/puzzle-7.yaml
  held_up app=puzzle-8 CreateContainerConfigError
  tell app=puzzle-8
  kubectl apply -f manifests/solutions/puzzle-8.yaml
  rollout puzzle-8 app=puzzle-8 1
  until_true behind puzzle-9 0
  kubectl get endpointslices -l kubernetes.io/service-name=puzzle-9
  kubectl describe service puzzle-9
  kubectl get pods -l app=web
  tell app
  kubectl apply -f manifests/solutions/puzzle-9.yaml
  until_true behind puzzle-9 1
  for_at_most 3 inside http://puzzle-10 Welcome # which fails
  kubectl get endpointslices -l kubernetes.io/service-name=puzzle-10
  kubectl describe service puzzle-10
  tell app
  kubectl apply -f manifests/solutions/puzzle-10.yaml
  until_true inside http://puzzle-10 Welcome
  until_true restarted app=puzzle-11
  kubectl logs deployment/puzzle-11 --previous
  solved manifests/solutions/puzzle-11.yaml
  until_true from deployment/puzzle-11 http://localhost:5000 Welcome
  until_true restarted app=puzzle-12
  kubectl get services
  kubectl logs deployment/puzzle-12 --tail=1
  solved manifests/solutions/puzzle-12.yaml
  until_true from deployment/puzzle-12 http://localhost:5000 Welcome
  kubectl get services
  kubectl describe service puzzle-13
  tell app
  kubectl apply -f manifests/solutions/puzzle-13.yaml
  kubectl get services
  forwarded service/webservice 8081:80 'current time is'
  tell app
  kubectl delete -f manifests/puzzles -f manifests/solutions/puzzle-8.yaml --cascade=foreground --ignore-not-found
  kubectl get deployments
  kubectl apply -f manifests/exercises/13-colors
  until_true from deployment/green http://localhost:5000 Welcome # a program that hasn't begun yet ignores SIGTERM for 30 s
  kubectl apply -f manifests/solutions/13-green.yaml
  rollout green app=green 1
  kubectl wait pods -l part=colors --for=condition=Ready --timeout=60s
  kubectl get pods -l part=colors
  tell part=colors
  kubectl apply -f manifests/solutions/13-my-puzzle.yaml
  unschedulable app=my-puzzle
  tell app=my-puzzle
  kubectl delete deployment my-puzzle --cascade=foreground
  kubectl get deployments
}
restarted() { # SELECTOR TIMES
  [ "$(kubectl get pods -l "$1" -o 'jsonpath={.items[0].status.containerStatuses[0].restartCount}')" -ge "${2:-1}" ]
}

notebook_14() {
  reachable
  kubectl get all
  images
  kubectl explain deployment.spec.template.spec.containers.env
  overview
  kubectl apply -f manifests/solutions/14-time-deployment-v1.yaml
  rollout clock-time part=time 3
  kubectl apply -f manifests/solutions/14-clock
  rollout clock-page part=page 2
  rollout clock-time part=time 3
  until_true number_of_pods part=archive 2
  kubectl wait pods -l part=archive --for=condition=Ready --timeout=60s
  kubectl get all
  overview
  until_true from deployment/clock-time http://clock-page 'current time is'
  until_true from statefulset/clock-archive http://clock-time 'current time is'
  kubectl exec deployment/clock-time -- python -c "$look_up" clock-archive
  until_true from deployment/clock-time http://clock-archive-0.clock-archive:5000 Welcome
  tell app=clock
}

notebook_16() {
  reachable
  everything
  kubectl get pods,replicasets -l app=frontend
  kubectl delete -f manifests/1-11-webapp-deployment-v2.yaml -f manifests/1-08-frontend-deployment.yaml
  kubectl delete -f manifests/1-04-webapp-service.yaml -f manifests/1-09-frontend-service.yaml
  kubectl wait pods --all --for=delete --timeout=60s
  kubectl wait endpointslices --all --for=delete --timeout=60s
  kubectl get pods
  kubectl get services
  overview
  images
  for image in $(images); do on_node remove --sync "$image"; done
  images
  everything
  everything
  kubectl apply -f manifests/leftovers
  everything
  kubectl delete deployment/shop replicaset/shop-v0 service/shop configmap/shop-settings
  kubectl wait replicasets --all --for=delete --timeout=60s
  kubectl wait endpointslices --all --for=delete --timeout=60s
  everything
  kubectl apply -f manifests/leftovers/shop-deployment.yaml
  rollout shop app=shop 0
  kubectl delete deployment shop --cascade=orphan
  kubectl wait deployments --all --for=delete --timeout=60s
  kubectl get replicasets
  kubectl apply -f manifests/leftovers/shop-deployment.yaml
  rollout shop app=shop 0
  kubectl get replicasets
  kubectl delete deployment shop --cascade=foreground
  kubectl wait replicasets --all --for=delete --timeout=60s
  docker inspect --format '{{.State.Status}}' "$NAME-control-plane"
  docker stop "$NAME-control-plane"
  docker inspect --format '{{.State.Status}}' "$NAME-control-plane"
  kind delete cluster --name "$NAME" --kubeconfig "$scratch/kubeconfig"
  kind get clusters
}

"notebook_$1"
