// Answers with what the gateway needs of Docker (nodes/discovery/docker.py and swarm.py), and
// nothing else:
//
//   GET /version                 the API versions
//   GET /containers/json         the nodes: containers whose name contains OBJGW_NODE_NAME, with the
//                                labels that are meant for the gateway
//   GET /containers/{id}/json    a node, with its ports, and keys and region of all its environment; or
//                                the container that asks, told by its address, without environment
//   GET /events                  what happens to nodes, and to networks
//   GET /services, /tasks        of Swarm: services whose name contains OBJGW_NODE_NAME, without
//                                their environment, and the tasks of these, with keys and region
//   GET /nodes                   the names of the swarm's machines
//
// each with or without an API version before it. Query strings are not read: what is asked of the
// engine is always the same.

// nodes/tests/test_socket_filter.py compares these with what the gateway reads.
const VARIABLES = [
    'MINIO_ROOT_USER', 'MINIO_ROOT_PASSWORD',
    'MINIO_ACCESS_KEY', 'MINIO_SECRET_KEY',
    'RUSTFS_ACCESS_KEY', 'RUSTFS_SECRET_KEY',
    'ROOT_ACCESS_KEY', 'ROOT_SECRET_KEY',
    'ROOT_ACCESS_KEY_ID', 'ROOT_SECRET_ACCESS_KEY',
    'MINIO_ROOT_USER_FILE', 'MINIO_ROOT_PASSWORD_FILE',
    'MINIO_ACCESS_KEY_FILE', 'MINIO_SECRET_KEY_FILE',
    'RUSTFS_ACCESS_KEY_FILE', 'RUSTFS_SECRET_KEY_FILE',
    'ROOT_ACCESS_KEY_FILE', 'ROOT_SECRET_KEY_FILE',
    'ROOT_ACCESS_KEY_ID_FILE', 'ROOT_SECRET_ACCESS_KEY_FILE',
    'MINIO_SITE_REGION', 'MINIO_REGION', 'MINIO_REGION_NAME', 'RUSTFS_REGION', 'VGW_REGION',
];
// By objgw.role and its service a gateway knows gateways, which are no nodes; the others say how a
// node has TLS.
const LABELS = ['objgw.role', 'objgw.tls', 'objgw.tls.name', 'com.docker.swarm.service.id'];
const EVENTS = [
    'create', 'start', 'die', 'pause', 'unpause', 'rename', 'destroy', 'connect', 'disconnect',
];

// The target as it came, before any decoding or merging of slashes.
const TARGET = /^(\/v1\.[0-9]{1,3})?\/(version|events|services|tasks|nodes|containers\/json|containers\/([^\/?]+)\/json)(\?.*)?$/;
// Elsewhere than on a manager, too, where Docker knows no swarm.
const NO_ANSWER = 'Docker does not answer this question.';
const CONTAINER_ID = /^[0-9a-f]{12,64}$/;

function nodeName() {
    return process.env.OBJGW_NODE_NAME || 'amazin-object-storage-node';
}

// "/web/alias" is a link of another container to this one, not a name.
function isNode(name) {
    return name.indexOf('/', 1) < 0 && name.indexOf(nodeName()) >= 0;
}

function networksOf(container) {
    const found = (container.NetworkSettings || {}).Networks || {};
    const networks = {};
    Object.keys(found).forEach(function (name) {
        networks[name] = {
            NetworkID: found[name].NetworkID,
            IPAddress: found[name].IPAddress,
            GlobalIPv6Address: found[name].GlobalIPv6Address,
        };
    });
    return networks;
}

function labelsOf(thing) {
    const found = thing.Labels || {};
    const labels = {};
    LABELS.forEach(function (name) {
        if (found[name] !== undefined) {
            labels[name] = found[name];
        }
    });
    return labels;
}

function keysIn(environment) {
    return (environment || []).filter(function (entry) {
        return VARIABLES.indexOf(entry.split('=', 1)[0]) >= 0;
    });
}

function targetsOf(networks) {
    return (networks || []).map(function (network) { return {Target: network.Target}; });
}

function inServices(service) {
    const template = service.Spec.TaskTemplate;
    return {
        ID: service.ID,
        Version: service.Version,
        Spec: {
            Name: service.Spec.Name,
            Labels: labelsOf(service.Spec),
            Mode: service.Spec.Mode,
            TaskTemplate: {
                ContainerSpec: {Labels: labelsOf(template.ContainerSpec || {})},
                Networks: targetsOf(template.Networks),
            },
            Networks: targetsOf(service.Spec.Networks),
        },
    };
}

function inTasks(task) {
    const status = task.Status || {};
    return {
        ID: task.ID,
        CreatedAt: task.CreatedAt,
        ServiceID: task.ServiceID,
        NodeID: task.NodeID,
        Slot: task.Slot,
        Spec: {ContainerSpec: {Env: keysIn((task.Spec.ContainerSpec || {}).Env)}},
        Status: {State: status.State, Err: status.Err, Message: status.Message},
        NetworksAttachments: (task.NetworksAttachments || []).map(function (attachment) {
            return {
                Network: {ID: (attachment.Network || {}).ID},
                Addresses: attachment.Addresses,
            };
        }),
    };
}

function inMachines(machine) {
    return {ID: machine.ID, Description: {Hostname: (machine.Description || {}).Hostname}};
}

function inListing(container) {
    return {
        Id: container.Id,
        Names: container.Names.filter(isNode),
        State: container.State,
        Created: container.Created,
        Labels: labelsOf(container),
        NetworkSettings: {Networks: networksOf(container)},
    };
}

// Null for a container that is none of the gateway's business.
function inspected(container, asker) {
    const networks = networksOf(container);
    const answer = {Id: container.Id, Name: container.Name, NetworkSettings: {Networks: networks}};
    if (isNode(container.Name)) {
        answer.Config = {
            Env: keysIn(container.Config.Env),
            ExposedPorts: container.Config.ExposedPorts,
            Labels: labelsOf(container.Config),
        };
        return answer;
    }
    answer.Config = {Labels: labelsOf(container.Config)};
    const asks = Object.keys(networks).some(function (name) {
        return networks[name].IPAddress === asker || networks[name].GlobalIPv6Address === asker;
    });
    return asks ? answer : null;
}

function refuse(r, status, message) {
    r.headersOut['Content-Type'] = 'application/json';
    r.return(status, JSON.stringify({message: message}) + '\n');
}

function servicesIn(text) {
    return JSON.parse(text).filter(function (service) {
        return service.Spec.Name.indexOf(nodeName()) >= 0;
    });
}

async function ask(r, path, args) {
    const reply = await r.subrequest('/-/engine' + path, {args: args || ''});
    return {status: reply.status, text: reply.responseText};
}

async function answer(r) {
    if (r.method !== 'GET') {
        refuse(r, 405, 'Only GET is let through.');
        return;
    }
    const target = TARGET.exec(r.variables.request_uri);
    if (!target) {
        refuse(r, 403, 'Only /version, /events, /services, /tasks, /nodes, /containers/json and /containers/{id}/json are let through.');
        return;
    }
    const version = target[1] || '';
    if (target[2] === 'events') {
        const filters = {type: ['container', 'network'], event: EVENTS};
        r.internalRedirect('/-/events' + version + '?filters=' + encodeURIComponent(JSON.stringify(filters)));
        return;
    }
    const id = target[3];
    if (id !== undefined && !CONTAINER_ID.test(id)) {
        refuse(r, 404, 'No such container, or not one to be seen here.');
        return;
    }
    let args = '';
    if (target[2] === 'containers/json') {
        const escaped = nodeName().replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
        args = 'all=1&filters=' + encodeURIComponent(JSON.stringify({name: [escaped]}));
    }
    if (target[2] === 'tasks') {
        const listed = await ask(r, version + '/services');
        if (listed.status !== 200) {
            refuse(r, listed.status, NO_ANSWER);
            return;
        }
        const ids = servicesIn(listed.text).map(function (service) { return service.ID; });
        if (!ids.length) {
            r.headersOut['Content-Type'] = 'application/json';
            r.return(200, '[]\n'); // without a filter it would be all of them
            return;
        }
        args = 'filters=' + encodeURIComponent(JSON.stringify({service: ids}));
    }
    const reply = await ask(r, version + '/' + target[2], args);
    if (id !== undefined && reply.status === 404) {
        refuse(r, 404, 'No such container, or not one to be seen here.');
        return;
    }
    if (reply.status !== 200) {
        refuse(r, reply.status, NO_ANSWER);
        return;
    }
    const found = JSON.parse(reply.text);
    let shown;
    if (id !== undefined) {
        shown = inspected(found, r.remoteAddress);
    } else if (target[2] === 'version') {
        shown = {Version: found.Version, ApiVersion: found.ApiVersion, MinAPIVersion: found.MinAPIVersion};
    } else if (target[2] === 'services') {
        shown = servicesIn(reply.text).map(inServices);
    } else if (target[2] === 'tasks') {
        shown = found.map(inTasks);
    } else if (target[2] === 'nodes') {
        shown = found.map(inMachines);
    } else {
        shown = found.map(inListing).filter(function (container) { return container.Names.length; });
    }
    if (shown === null) {
        refuse(r, 404, 'No such container, or not one to be seen here.');
        return;
    }
    r.headersOut['Content-Type'] = 'application/json';
    r.return(200, JSON.stringify(shown) + '\n');
}

// One JSON object a line; "" for an event that is not to be seen.
function shownEvent(line) {
    if (line.trim() === '') {
        return '';
    }
    const event = JSON.parse(line);
    const name = ((event.Actor || {}).Attributes || {}).name || '';
    if (event.Type !== 'network' && !(event.Type === 'container' && isNode(name))) {
        return '';
    }
    return JSON.stringify({
        Type: event.Type,
        Action: event.Action,
        Actor: {ID: event.Actor.ID, Attributes: {name: name}},
        time: event.time,
        timeNano: event.timeNano,
    }) + '\n';
}

function eventsHead(r) {
    delete r.headersOut['Content-Length'];
}

// A read may end in the middle of a line: the rest waits in a variable of the request's own.
function events(r, data, flags) {
    if (r.status !== 200) { // a refusal, or the engine's
        r.sendBuffer(data, flags);
        return;
    }
    const lines = ((r.variables.unfinished || '') + data).split('\n');
    r.variables.unfinished = lines.pop();
    const shown = lines.map(shownEvent).join('');
    // nginx hands on an empty piece when the answer's head is to go out before any event.
    if (shown || flags.last || data === '') {
        r.sendBuffer(shown, {last: flags.last, flush: true});
    }
}

export default {answer, events, eventsHead};
